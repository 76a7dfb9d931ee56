// The servers and the requests: both are the same for each algorithm.

import Basics
import Chance

/// Eight servers whose speeds nobody has told the proxy.
enum Farm {
    struct Server {
        /// How long it takes for a request on average.
        let milliseconds: Double
        /// Requests that it works at together; others wait in it, first come, first served.
        let hands = 4
    }

    static let servers = [8.0, 8, 8, 12, 12, 16, 16, 32].map(Server.init)
    /// How much the farm as a whole has to do, of what it could.
    static let load = 0.7
    static let seconds = 40.0
    /// When the first server, one of the fast ones, answers nothing, in seconds.
    static let stall = 20.0...22.0

    /// Requests a second that it could answer.
    static var capacity: Double { servers.reduce(0) { $0 + Double($1.hands) * 1_000 / $1.milliseconds } }
}

struct Request {
    /// In seconds from the beginning.
    let at: Double
    /// What it would take on a server whose average is one.
    let effort: Double
    /// The target's number: few are asked for often.
    let target: Int
}

/// Requests that come independently of one another.
struct Load {
    let requests: [Request]

    init(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        /// From 0, excluded, to 1.
        func fraction() -> Double { (Double(random.next() >> 11) + 1) / 9_007_199_254_740_992 }
        let rate = Farm.capacity * Farm.load
        var requests: [Request] = []
        var at = 0.0
        while at < Farm.seconds {
            at -= logarithm(fraction()) / rate
            let target = Int(1 / fraction()) % 20_000
            requests.append(Request(at: at, effort: -logarithm(fraction()), target: target))
        }
        self.requests = requests
    }
}

/// The natural logarithm, to what the plot can show: by the exponent, and a series for the rest.
func logarithm(_ x: Double) -> Double {
    let y = (x.significand - 1) / (x.significand + 1)
    var term = y
    var sum = 0.0
    for n in stride(from: 1, through: 41, by: 2) {
        sum += term / Double(n)
        term *= y * y
    }
    return 2 * sum + Double(x.exponent) * 0.693_147_180_559_945_3
}
