// Telling servers who asked, and for what: `option forwardfor`, `option originalto` and `option forwarded-headers`.
// `option forwarded` is in the room Rules, since expressions may make its parts.

internal import Basics
internal import HTTP
internal import Rules

/// What a section adds to requests on their way to servers.
struct Forwarding: Sendable, Equatable {
    /// `option forwardfor`
    var clientAddress: AddressField?
    /// `option originalto`
    var originalAddress: AddressField?
    /// `option forwarded-headers`
    var headers: ForwardedHeaders?
}

/// A field that has the address of one end of the client's connection.
struct AddressField: Sendable, Equatable {
    /// In lower case.
    var header: [UInt8]
    /// Addresses that are not told.
    var exceptions: [IPNetwork] = []
    /// Only if the request has no such field yet.
    var onlyIfNone = false

    static let forClient = AddressField(header: Array("x-forwarded-for".utf8))
    static let forOriginal = AddressField(header: Array("x-original-to".utf8))

    /// Adds the field that the frontend, the backend, or both ask for. As in HAProxy, where both do, the backend's name
    /// is taken, an exception of either counts, and if-none only where both say it.
    static func add(
        _ address: SocketAddress, _ front: AddressField?, _ back: AddressField?, to context: ExchangeContext,
        with scratch: inout [UInt8]
    ) {
        // What came over a unix socket has no address to tell.
        guard let field = back ?? front, let ip = address.ip else { return }
        if front?.excepts(ip) == true || back?.excepts(ip) == true { return }
        if front?.onlyIfNone != false, back?.onlyIfNone != false,
            context.request.fields.first(named: field.header) != nil
        {
            return
        }
        scratch.removeAll(keepingCapacity: true)
        ip.append(to: &scratch)
        unsafe context.request.fields.append(name: field.header.span.bytes, value: scratch.span.bytes)
    }

    private func excepts(_ ip: IPAddress) -> Bool { exceptions.contains { $0.contains(ip) } }
}

extension Exchange {
    /// Before any rule has looked at the request, or any of the backend's: so a field that a rule writes stays.
    func setForwardedHeaders(_ forwarding: Forwarding, _ worker: Worker) {
        forwarding.headers?.apply(to: context, with: &worker.scratch)
    }

    /// Behind all rules, in HAProxy's order.
    func addForwardingFields(_ worker: Worker) {
        frontend.uniqueID?.addField(context)
        guard let backend else { return }
        backend.forwardedField?.add(to: context)
        let front = frontend.forwarding.clientAddress
        let back = backend.forwarding.clientAddress
        if front != nil || back != nil, !hasToldClientAddress(in: back ?? front) {
            AddressField.add(context.client, front, back, to: context, with: &worker.scratch)
        }
        let frontOriginal = frontend.forwarding.originalAddress
        let backOriginal = backend.forwarding.originalAddress
        if frontOriginal != nil || backOriginal != nil {
            AddressField.add(context.local, frontOriginal, backOriginal, to: context, with: &worker.scratch)
        }
    }

    /// `option forwarded-headers` has put the client's address into X-Forwarded-For, where it is to be once.
    private func hasToldClientAddress(in field: AddressField?) -> Bool {
        (frontend.forwarding.headers != nil || backend?.forwarding.headers != nil)
            && field?.header == AddressField.forClient.header
    }
}
