// Telling servers who asked, and for what: `option forwardfor`, `option originalto` and `option forwarded-headers`.
// `option forwarded` is in the room Rules, since expressions may make its parts.

internal import Basics
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Rules

/// What a section adds to requests on their way to servers.
struct Forwarding: Sendable {
    /// `option forwardfor`
    var clientAddress: AddressField?
    /// `option originalto`
    var originalAddress: AddressField?
    /// `option forwarded-headers`
    var headers: ForwardedHeaders?
}

/// A field that has the address of one end of the client's connection. A class, because each request refers to it.
final class AddressField: Sendable {
    /// In lower case.
    let header: [UInt8]
    private let known: KnownField
    /// Addresses that are not told.
    let exceptions: [IPNetwork]
    /// Only if the request has no such field yet.
    let onlyIfNone: Bool

    init(header: [UInt8], exceptions: [IPNetwork] = [], onlyIfNone: Bool = false) {
        self.header = header
        known = unsafe KnownField(lowercasedName: header.span.bytes)
        self.exceptions = exceptions
        self.onlyIfNone = onlyIfNone
    }

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
        if field.known != .other {
            context.request.fields.append(field.known, scratch)
        } else {
            let name = field.header
            unsafe context.request.fields.append(name: name.span.bytes, value: scratch.span.bytes)
        }
    }

    private func excepts(_ ip: IPAddress) -> Bool { exceptions.contains { $0.contains(ip) } }
}

extension Exchange {
    /// Before any rule has looked at the request, or any of the backend's: so a field that a rule writes stays.
    func setForwardedHeaders(_ forwarding: Forwarding, _ worker: Worker) {
        forwarding.headers?.apply(to: context, with: &worker.scratch)
    }

    /// Behind all rules, in HAProxy's order.
    func addForwardingFields(for backend: BackendPlan, _ worker: Worker) {
        let frontend = frontend
        frontend.uniqueID?.addField(context)
        if !client.isHandshakeComplete { addEarlyData() }
        backend.forwardedField?.add(to: context)
        if frontend.forwarding.clientAddress != nil || backend.forwarding.clientAddress != nil {
            addClientAddress(frontend.forwarding, backend.forwarding, worker)
        }
        if frontend.forwarding.originalAddress != nil || backend.forwarding.originalAddress != nil {
            AddressField.add(
                context.local, frontend.forwarding.originalAddress, backend.forwarding.originalAddress, to: context,
                with: &worker.scratch)
        }
    }

    /// What came before the end of the TLS handshake may be a replay: the server may say 425 (RFC 8470 section 5.1).
    private func addEarlyData() {
        guard !context.request.fields.contains(.earlyData) else { return }
        context.request.fields.append(.earlyData, "1")
    }

    private func addClientAddress(_ front: borrowing Forwarding, _ back: borrowing Forwarding, _ worker: Worker) {
        // `option forwarded-headers` has put the client's address into X-Forwarded-For, where it is to be once.
        if front.headers != nil || back.headers != nil {
            let field = back.clientAddress ?? front.clientAddress
            if field?.header == AddressField.forClient.header { return }
        }
        AddressField.add(
            context.client, front.clientAddress, back.clientAddress, to: context, with: &worker.scratch)
    }
}
