import Basics
import Testing

@Suite struct FaultTests {
    @Test func `what does not hold ends the process and says so, with its values, in every build`() async throws {
        let result = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                let count = [1, 2].count
                precondition(count == 3, "there are \(count)")
            })
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("FaultTests.swift:") && text.contains("Fatal error: there are 2"))
    }

    @Test func `what must not be reached does the same`() async throws {
        let result = try #require(
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                preconditionFailure("not \("here")")
            })
        #expect(String(decoding: result.standardErrorContent, as: UTF8.self).contains("Fatal error: not here"))
    }
}
