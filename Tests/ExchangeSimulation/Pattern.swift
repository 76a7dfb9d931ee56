// Bodies that say whose they are: each byte depends on the exchange's number, on the direction and on its place,
// so that a byte of another exchange, a lost one and a doubled one are all noticed.

import Glibc

enum Direction: Int { case request = 0, response = 101, tunnelForth = 53, tunnelBack = 197 }

enum Pattern {
    private static let period = 251
    private static let longest = 1 << 18
    private static let master = (0..<longest + period).map { UInt8($0 % period) }

    private static func start(_ id: Int, _ direction: Direction) -> Int { (id &* 7 &+ direction.rawValue) % period }

    static func body(of id: Int, _ direction: Direction, count: Int) -> ArraySlice<UInt8> {
        precondition(count <= longest, "a body of \(count) bytes")
        let start = start(id, direction)
        return master[start..<start + count]
    }

    /// Whether these are the bytes of that body from `offset` on.
    static func matches(_ bytes: ArraySlice<UInt8>, _ id: Int, _ direction: Direction, offset: Int) -> Bool {
        let start = (start(id, direction) + offset) % period
        return unsafe bytes.withUnsafeBytes { found in
            unsafe master[start..<start + bytes.count].withUnsafeBytes { wanted in
                guard let found = found.baseAddress, let wanted = wanted.baseAddress else { return true }
                return unsafe memcmp(found, wanted, bytes.count) == 0
            }
        }
    }
}
