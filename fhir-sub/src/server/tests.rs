use super::*;

#[test]
fn each_room_has_a_name_of_its_own_that_leads_to_it() {
    for room in ROOMS {
        let named = Room::named(room.name).unwrap();
        assert!(std::ptr::eq(named, room), "{room:?}");
    }
    assert!(Room::named("auto").is_none() && Room::named("").is_none());
}

/// If the name of one server were the beginning of another's, the order of the rooms would decide which one
/// is found.
#[test]
fn no_server_is_called_as_another_is() {
    let names = || ROOMS.into_iter().flat_map(|room| room.called.iter().map(move |name| (room, *name)));
    for (room, name) in names() {
        assert_eq!(name, name.to_lowercase(), "{room:?}: names are compared in lower case");
        assert!(std::ptr::eq(Room::recognised(&name.to_uppercase()).unwrap(), room), "{room:?}");
        for (other, longer) in names().filter(|(other, _)| !std::ptr::eq(*other, room)) {
            assert!(!longer.starts_with(name), "{room:?} and {other:?}");
        }
    }
    assert!(Room::recognised("").is_none() && Room::recognised("It is not Aidbox").is_none());
}

/// Each server evaluates criteria, topics or both.
#[test]
fn each_server_evaluates_criteria_or_topics() {
    for room in ROOMS {
        assert!(room.criteria.is_ok() || room.topics.is_ok(), "{room:?}");
        assert_eq!(room.is_known(), room.name != "generic", "{room:?}");
    }
}

/// Only the request that creates a Subscription has the header, so a `PUT` would leave the secret out.
#[test]
fn a_server_that_learns_its_secret_from_a_header_is_told_by_creating() {
    for room in ROOMS {
        if let Signature::Body(Signed { told_by: ToldBy::RequestHeader(_), .. }) = &room.signature {
            assert!(!room.registering.is_changeable, "{room:?}");
        }
    }
}
