// What a proxy before Portico says of a client: a header of either version, with another address and the same port.

import Basics
import Chance
import KernelSimulation
import ProxyProtocol

enum ProxyScript {
    static func header(
        of address: SocketAddress, _ configuration: RoundConfiguration, _ random: inout SeededRandom
    ) -> [UInt8] {
        if configuration.hasFaults && random.oneIn(15) { return Array("POXY TCP4 ".utf8) }
        let port = address.port ?? 0
        let ends = ProxyHeader.Ends(
            source: .ip(random.oneIn(2) ? .v4(0x0102_0304) : .v6(0x2001_0DB8 << 32, 1), port: port),
            destination: .ip(.v4(0x0506_0708), port: 443))
        let version = random.oneIn(2) ? ProxyHeaderVersion.one : .two
        var header = ProxyHeader.bytes(version, random.oneIn(8) ? nil : ends)
        if version == .two && random.oneIn(2) {
            // Padding, up to some kilobytes of it, for which the length has room.
            var padding = TypedValues()
            padding.append(
                TypedValues.padding, Array(repeating: 0, count: random.number(0...(random.oneIn(4) ? 3_000 : 20))))
            let length = header.count - 16 + padding.bytes.count
            header[14] = UInt8(length >> 8)
            header[15] = UInt8(length & 255)
            header += padding.bytes
        }
        return header
    }
}
