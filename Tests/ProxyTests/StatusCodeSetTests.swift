// Which statuses count as errors and failures, as set by http-err-codes and http-fail-codes.

import Configuration
import Testing

@testable import Proxy

@Suite struct StatusCodeSetTests {
    private func changed(_ set: StatusCodeSet, by words: String...) throws -> StatusCodeSet {
        var set = set
        for word in words { try set.change(by: Word(word, at: SourceRange(file: "", line: 1))) }
        return set
    }

    @Test func `a clients errors and a servers failures are HAProxys at first`() {
        #expect(StatusCodeSet.errors.codes == Set(400...499))
        #expect(StatusCodeSet.failures.codes == Set(500...599).subtracting([501, 505]))
    }

    @Test func `a word sets, adds or removes, in the order of the line`() throws {
        #expect(try changed(.errors, by: "400,402-404,490").codes == [400, 402, 403, 404, 490])
        #expect(try changed(.errors, by: "220", "+300-499", "-300-399").codes == Set(400...499).union([220]))
        #expect(
            try changed(.failures, by: "-550-580", "+555,599,556-566").codes
                == Set(500...599).subtracting([501, 505]).subtracting(550...580).union(555...566).union([599]))
    }

    @Test(arguments: ["", "99", "600", "404-", "-", "+", "499-400", "400,,401", "4xx", "+-400", "400-401-402"])
    func `what is no range of statuses is refused`(word: String) {
        #expect(throws: ConfigProblem.self) { try changed(.errors, by: word) }
    }
}
