//! Turns a checked query into an expression. Without captures, the expression is a constant. This cannot
//! fail.

use fhir_sub_search::criteria::Capture;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::check::{Parameter, Piece, Query};

pub(super) fn expand(query: &Query) -> TokenStream {
    let Query { fhir_sub, resource_type, parameters, values } = query;
    let private = quote!(#fhir_sub::__private);
    if values.is_empty() {
        let parameters = parameters.iter().map(|Parameter { name, pieces }| {
            let value = pieces.iter().map(|piece| match piece {
                Piece::Written(written) => written.as_str(),
                Piece::Captured(..) => "",
            });
            let value: String = value.collect();
            quote!((#name, #value))
        });
        return quote!(#private::Query::fixed(#resource_type, &[#(#parameters),*]));
    }
    let names: Vec<_> = (0..values.len()).map(name).collect();
    let parameters = parameters.iter().map(|Parameter { name, pieces }| match &pieces[..] {
        [Piece::Written(written)] => quote!(.written(#name, #written)),
        pieces => {
            let pieces = pieces.iter().map(|piece| match piece {
                Piece::Written(written) => quote!(#private::Piece::Written(#written)),
                Piece::Captured(index, capture) => {
                    let (name, value) = (&names[*index], &values[*index]);
                    let capture = match capture {
                        Capture::Value => "Value",
                        Capture::Uri => "Uri",
                        Capture::Id => "Id",
                    };
                    let capture = Ident::new(capture, Span::mixed_site());
                    // If a value has no text, the mistake is reported at the value.
                    quote_spanned!(value.span()=> #private::Piece::#capture(#name))
                }
            });
            quote!(.captured(#name, &[#(#pieces),*]))
        }
    });
    // As in `format!`: each value is evaluated once, and lives to the end.
    quote! {
        match (#(&#values,)*) {
            (#(#names,)*) => #private::Query::of(#resource_type)#(#parameters)*,
        }
    }
}

fn name(index: usize) -> Ident {
    Ident::new(&format!("__fhir_sub_{index}"), Span::mixed_site())
}
