// `simulate [exchanges] [first seed]`: plays rounds of simulated exchanges, on every processor, until there were as
// many as asked for, and says what came of it. A failure names its seed; `simulate 1 SEED` plays that round alone.

import ExchangeSimulation
import Glibc
import Synchronization

@main
struct Simulate {
    private static let requestsInRound = 2_000

    static func main() {
        let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
        guard arguments.count == CommandLine.arguments.count - 1, arguments.count <= 2 else {
            print("usage: simulate [exchanges] [first seed]")
            exit(64)
        }
        let wanted = Int(arguments.first ?? 1_000_000)
        let run = Run(wanted: wanted, firstSeed: arguments.dropFirst().first ?? 1)
        exit(run.play() ? 0 : 1)
    }
}
