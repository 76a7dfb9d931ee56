// `simulate [exchanges] [first seed]`: plays rounds of simulated exchanges, on every processor, until there were as
// many as asked for, and says what came of it. A failure names its seed; `simulate 1 SEED` plays that round alone.
// `simulate threads [exchanges] [first seed]`: rounds whose workers are threads that really run at once, for ThreadSanitizer.

import ExchangeSimulation
import Glibc

@main
struct Simulate {
    private static let workerThreads = 3

    static func main() {
        var words = CommandLine.arguments.dropFirst()
        let isThreaded = words.first == "threads"
        if isThreaded { words = words.dropFirst() }
        let arguments = words.compactMap { UInt64($0) }
        guard arguments.count == words.count, arguments.count <= 2 else {
            print("usage: simulate [threads] [exchanges] [first seed]")
            exit(64)
        }
        let wanted = Int(arguments.first ?? (isThreaded ? 20_000 : 1_000_000))
        let run = Run(
            wanted: wanted, firstSeed: arguments.dropFirst().first ?? 1, workerThreads: isThreaded ? workerThreads : 0)
        exit(run.play() ? 0 : 1)
    }
}
