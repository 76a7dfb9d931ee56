// What lives of an address that a frontend listens on: how many connections came in there. A connection that came in under one plan ends
// under another, and has to be counted down where it was counted up.

internal import Basics
internal import Reactor

/// The connections of one address of a frontend. Written by workers, read for rules.
public final class ListenAddress: Sendable {
    /// What makes lines of two plans name the same address: the frontend, where it listens, and all that a socket cannot change once it
    /// listens.
    struct Key: Hashable, Sendable {
        let frontend: String
        /// Nil where `descriptor` says what listens.
        let address: SocketAddress?
        let descriptor: Int32?
        let interface: String?
        let namespace: String?
        let isTransparent: Bool
        let takesBothVersions: Bool?
        /// How many addresses with all this the frontend has before this one: a line may be there twice.
        var ordinal = 0

        init(_ place: BindPlace, of frontend: String) {
            self.frontend = frontend
            address = place.address
            descriptor = place.descriptor
            interface = place.options.interface
            namespace = place.options.namespace?.name
            isTransparent = place.options.isTransparent
            takesBothVersions = place.options.takesBothVersions
        }
    }

    let key: Key

    /// Connections to here now, with the places that workers have taken before they accept.
    let connections = Gauge()

    init(_ key: Key) { self.key = key }

    /// Whether a socket of one address serves the other, perhaps for another frontend.
    public func hasSamePlace(as other: ListenAddress) -> Bool {
        key.address == other.key.address && key.descriptor == other.key.descriptor
            && key.interface == other.key.interface && key.namespace == other.key.namespace
            && key.isTransparent == other.key.isTransparent && key.takesBothVersions == other.key.takesBothVersions
    }
}
