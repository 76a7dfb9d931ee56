// Rounds of the large simulation (Tests/ExchangeSimulation) that are small enough for a debug build, in which overlapping
// accesses trap as well. `make simulate` runs a million exchanges.

import ExchangeSimulation
import Foundation
import Testing

@Suite struct ExchangeSimulationTests {
    @Test("Exchanges under every misfortune end once, whole or cut off, and leave nothing behind", arguments: 0..<4)
    func roundsWithEveryMisfortune(lot: Int) throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for seed in 1...10 {
            let outcome = Round.play(seed: UInt64(lot * 1_000_000 + seed), requests: 250, folder: folder.path)
            #expect(outcome.faults.isEmpty, "make simulate plays one seed with: .build/release/simulate 1 SEED")
        }
    }

    @Test func `the same seed gives the same round, of several workers too`() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        var workers: Set<Int> = []
        for seed in 1...6 {
            let outcome = Round.play(seed: UInt64(seed), requests: 100, folder: folder.path)
            let again = Round.play(seed: UInt64(seed), requests: 100, folder: folder.path)
            #expect(outcome.trace == again.trace, "seed \(seed)")
            #expect(outcome.terminations == again.terminations, "seed \(seed)")
            workers.insert(outcome.workers)
        }
        #expect(workers.contains { $0 > 1 })
    }

    @Test func `workers that really run at once leave the same books behind`() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        for seed in 1...3 {
            let outcome = ThreadedRound.play(seed: UInt64(seed), workers: 3, requests: 300, folder: folder.path)
            #expect(outcome.faults.isEmpty)
            // How many there are of the 300 depends on whose turn it is when a mishap comes.
            #expect(outcome.exchanges > 50)
        }
    }

    /// With the page that rounds ask for.
    private static func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rounds-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "site"), withIntermediateDirectories: true)
        try Data(repeating: 0x70, count: 30_000).write(to: folder.appending(path: "site/page.html"))
        return folder
    }
}
