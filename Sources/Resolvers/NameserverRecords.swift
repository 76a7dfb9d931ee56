// What a nameserver's response has: addresses or SRV records, taken apart by c-ares.

internal import Basics
internal import CAres
internal import Glibc

extension Nameserver {
    /// Limit for the addresses used of one response.
    private static let addressesMax = 16
    /// Limit for the SRV records used of one response: what a message of 64 KiB has room for, about.
    private static let servicesMax = 2_048

    /// What a response has of a kind.
    static func read(
        _ bytes: UnsafePointer<UInt8>?, _ count: Int32, _ kind: RecordKind
    ) -> NameserverReply {
        let found: [IPAddress]?
        switch kind {
        case .v4: unsafe found = readV4(bytes, count)
        case .v6: unsafe found = readV6(bytes, count)
        case .services:
            guard let records = unsafe readServices(bytes, count) else { return .failed }
            return records.isEmpty ? .noAddress : .services(records)
        }
        guard let addresses = found else { return .failed }
        // Ignore wildcard addresses: connecting to one would connect to this machine.
        let usable = addresses.filter { !$0.isAny }
        return usable.isEmpty ? .noAddress : .addresses(usable)
    }

    /// The SRV records, without those that offer nothing (RFC 2782: the target ".").
    private static func readServices(_ bytes: UnsafePointer<UInt8>?, _ length: Int32) -> [ServiceRecord]? {
        var list: UnsafeMutablePointer<ares_srv_reply>?
        let status = unsafe ares_parse_srv_reply(bytes, length, &list)
        if status == cares_no_data { return [] }
        guard status == cares_success else { return nil }
        defer { unsafe ares_free_data(list) }
        var records: [ServiceRecord] = []
        var next = unsafe list
        while let entry = unsafe next, records.count < servicesMax {
            unsafe next = entry.pointee.next
            guard let text = unsafe entry.pointee.host, unsafe entry.pointee.port > 0 else { continue }
            var host: [UInt8] = []
            guard HostName.append(Array(unsafe String(cString: text).utf8), to: &host) else { continue }
            unsafe records.append(
                ServiceRecord(
                    host: String(decoding: host, as: UTF8.self), port: entry.pointee.port,
                    priority: entry.pointee.priority, weight: entry.pointee.weight))
        }
        return records
    }

    private static func readV4(_ bytes: UnsafePointer<UInt8>?, _ length: Int32) -> [IPAddress]? {
        var records = [ares_addrttl](repeating: ares_addrttl(), count: addressesMax)
        var count = Int32(addressesMax)
        let status = unsafe ares_parse_a_reply(bytes, length, nil, &records, &count)
        if status == cares_no_data { return [] }
        guard status == cares_success else { return nil }
        return records.prefix(Int(count)).map { .v4(UInt32(bigEndian: $0.ipaddr.s_addr)) }
    }

    private static func readV6(_ bytes: UnsafePointer<UInt8>?, _ length: Int32) -> [IPAddress]? {
        var records = [ares_addr6ttl](repeating: ares_addr6ttl(), count: addressesMax)
        var count = Int32(addressesMax)
        let status = unsafe ares_parse_aaaa_reply(bytes, length, nil, &records, &count)
        if status == cares_no_data { return [] }
        guard status == cares_success else { return nil }
        return records.prefix(Int(count)).map { record in
            let words = unsafe withUnsafeBytes(of: record.ip6addr) {
                unsafe ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
            return IPAddress.v6(UInt64(bigEndian: words.0), UInt64(bigEndian: words.1)).unmapped
        }
    }
}
