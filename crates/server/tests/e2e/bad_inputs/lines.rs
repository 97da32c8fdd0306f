//! The lines of the catalogue that have no row: those played in other scenarios, and those without a door yet.

/// Played elsewhere, with the scenario.
pub(super) const ELSEWHERE: &[(u8, &str)] = &[
    (45, "odd_texts_are_kept_as_they_are"),
    (55, "a_key_in_flight_is_waited_for"),
    (57, "a_key_belongs_to_its_command"),
    (75, "who_sends_slowly_is_let_go_and_holds_up_nobody"),
    (78, "away.rs, overload.rs, disk.rs"),
];

/// What there is no door for yet.
pub(super) const LATER: &[(u8, &str)] = &[
    (56, "one caller only while auth = off"),
    (58, "no key is purged yet: keys are kept for ever"),
    (61, "no credentials are read while auth = off"),
    (62, "no credentials are read while auth = off"),
    (63, "one caller only while auth = off"),
    (64, "addresses are opaque; no door takes coupons or stored payment methods yet"),
    (65, "no guest tokens yet"),
    (71, "no gRPC door yet"),
    (72, "no gRPC door yet"),
    (73, "no gRPC door yet"),
    (74, "no gRPC door yet"),
    (77, "limits bind customers and guests, who are known only with auth = on"),
    (79, "no webhook door yet"),
    (80, "no webhook door yet"),
    (81, "no webhook door yet"),
    (82, "no webhook door yet"),
    (83, "no webhook door yet"),
    (84, "no webhook door yet"),
    (85, "no webhook door yet"),
    (86, "no webhook door yet"),
    (87, "no webhook door yet"),
    (88, "no webhook door yet"),
    (89, "no webhook door yet"),
    (90, "no subscribers yet"),
    (91, "only the stub provider yet, which is in the same process"),
    (92, "no broker yet"),
];
