//! Where a deviation acts: its selector held against a moment.

use mailproof_scenarios::model::{At, Endpoints, Layer, On, Protocol};

use crate::engine::{Engine, Input, InputKind};

/// Where on a case's time line a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    /// What the port speaks.
    pub(crate) protocol: Protocol,
    /// The running step, counted from 1.
    pub(crate) step: u16,
    /// The connection's number in the step in which it was accepted, counted from 1.
    pub(crate) connection: u16,
    /// In clear or inside TLS.
    pub(crate) layer: Layer,
    /// To and from where.
    pub(crate) between: Endpoints,
}

/// A moment at which the server says something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment<'a> {
    /// The greeting.
    Greeting,
    /// The end of a handshake behind STARTTLS.
    TlsStart,
    /// The answer to an input.
    Input(&'a Input),
    /// Something that nobody asked for just now.
    Unasked,
}

/// Whether a deviation of the world (chain, port, TLS, capabilities) acts on a connection. Its channel is
/// for the deviation itself to heed.
pub(super) fn world(on: &On, scene: &Scene) -> bool {
    on.protocol.is_none_or(|it| it == scene.protocol)
        && on.step.is_none_or(|it| it == scene.step)
        && on.connection.is_none_or(|it| it == scene.connection)
        && on.address.is_none_or(|it| it == scene.between.address)
        && on.family.is_none_or(|it| scene.between.family == Some(it))
        && on.source.is_none_or(|it| scene.between.source == Some(it))
}

/// Whether everything but unit and count fits.
pub(super) fn moment(on: &On, scene: &Scene, moment: &Moment<'_>, engine: &dyn Engine) -> bool {
    world(on, scene)
        && on.channel.is_none_or(|it| it == scene.layer)
        && on.at.as_ref().is_none_or(|at| is_at(at, moment))
        && on.when.is_none_or(|when| engine.holds(when))
}

fn is_at(at: &At, moment: &Moment<'_>) -> bool {
    match (at, moment) {
        (At::Greeting, Moment::Greeting) | (At::TlsStart, Moment::TlsStart) => true,
        (At::Command(verb), Moment::Input(input)) => match input.kind {
            InputKind::Command => verb == "*" || verb.eq_ignore_ascii_case(&input.verb),
            InputKind::Done => verb.eq_ignore_ascii_case(&input.verb),
            InputKind::Sasl | InputKind::Data | InputKind::Literal => false,
        },
        (At::EndOfData, Moment::Input(input)) => input.kind == InputKind::Data,
        (At::AuthResponse, Moment::Input(input)) => input.kind == InputKind::Sasl,
        (At::Literal, Moment::Input(input)) => input.kind == InputKind::Literal,
        _ => false,
    }
}
