//! JSON as FHIR defines it, for the places where serde accepts more.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::text::Text;

/// Reads a struct from an object only: serde's derived code also reads a struct from a list.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, members: M) -> Result<Self::Value, M::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// The first items of a list, and the count of all its items. The bound protects the memory: an item `{}`
/// takes three bytes of a body, and many more of memory.
#[derive(Debug)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    pub(crate) count: usize,
}

impl<T> List<T> {
    /// The most items that we keep of a list.
    pub(crate) const MAXIMUM: usize = 10_000;

    pub(crate) fn add(&mut self, item: T) {
        if self.count < Self::MAXIMUM {
            self.items.push(item);
        }
        self.count += 1;
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), count: 0 }
    }
}

/// A string, or a number from 0.
#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    Number(u64),
    Text(Text<'a>),
}

impl<'a> Scalar<'a> {
    pub(crate) fn into_text(self) -> Option<Text<'a>> {
        match self {
            Self::Number(_) => None,
            Self::Text(text) => Some(text),
        }
    }

    /// The number, or the number that the string says.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            // `parse` would also accept a sign.
            Self::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Self::Text(_) => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;

        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string or a number from 0")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Number(number))
            }

            /// `7.0` and `7e0` are the number 7.
            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                // From 2^53 on, it may be another number than the text says.
                let is_whole = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
                match is_whole {
                    true => Ok(Scalar::Number(number as u64)),
                    false => Err(E::invalid_value(Unexpected::Float(number), &self)),
                }
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Text(Cow::Borrowed(text))))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Text(Cow::Owned(text.to_owned()))))
            }
        }

        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// A number from 0, as a JSON number or as a string. R4 writes a string. In R5, `integer64` is a string by
/// the specification, but R5's own examples have numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(pub(crate) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Scalar::deserialize(deserializer)?.number();
        number.map(Self).ok_or_else(|| D::Error::custom("not a number from 0"))
    }
}
