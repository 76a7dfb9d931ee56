// What goes wrong with one peer, and after which byte: of those it sends, or of those it gets.

import Chance
import KernelSimulation

struct Mishap {
    enum Kind: CaseIterable {
        /// A reset: the peer, or a box between, has forgotten the connection.
        case reset
        /// The peer's process is gone.
        case close
        /// It sends no more, and still reads.
        case finish
        /// It does and says nothing any more.
        case silence
    }

    let kind: Kind
    /// It happens when this many bytes were sent, or else when this many were received.
    let afterSent: Int
    let afterReceived: Int

    static func draw(sending: Int, receiving: Int, _ random: inout SeededRandom) -> Mishap {
        let kind = Kind.allCases.randomElement(using: &random) ?? .reset
        let isWhileSending = random.oneIn(2)
        return Mishap(
            kind: kind, afterSent: isWhileSending ? random.number(0...max(0, sending)) : .max,
            afterReceived: isWhileSending ? .max : random.number(0...max(1, receiving)))
    }
}

/// How fast a peer sends and reads.
struct Pace {
    /// Bytes sent, and taken, in one go.
    var sends = Int.max
    var takes = Int.max
    /// Milliseconds between two moves.
    var pause = 0...3

    static func draw(hasFaults: Bool, bytes: Int, _ random: inout SeededRandom) -> Pace {
        var pace = Pace()
        switch random.number(0...9) {
        case 0...5: break
        case 6, 7:
            // However long its message is, a peer moves a few dozen times.
            pace.sends = max(random.number(1...2_000), bytes / 40)
            pace.takes = random.number(1_000...30_000)
        case 8:
            pace.sends = max(1, bytes / 200)
            pace.takes = 3_000
        default:
            pace.sends = max(1, bytes / 10)
            pace.takes = random.number(300...5_000)
            pace.pause = 0...(hasFaults ? 1_500 : 200)
        }
        return pace
    }
}
