// Commands with a payload: what follows a line that ends with `<<`.

import Basics
import TLS
import Testing

@testable import Admin

@Suite struct PayloadTests {
    /// Says what payload it was given.
    private enum Echo: RuntimeCommand {
        static let name = "echo"
        static let summary = "say the payload"
        static func run(_ call: inout CommandCall) {
            let text = call.payload.map { String(decoding: $0.bytes, as: UTF8.self) }
            call.say("\(call.words) \(text.map { "\($0.debugDescription)" } ?? "nothing")")
        }
    }

    private func answer(_ input: String, isInteractive: Bool = false) -> (text: String, isOver: Bool) {
        var interpreter = CommandInterpreter(commands: [Echo.self, PromptCommand.self], level: .admin)
        if isInteractive { _ = interpreter.run(line: "prompt", context: FixedContext()) }
        let bytes = Array(input.utf8)
        var result = unsafe interpreter.receive(bytes.span.bytes, context: FixedContext())
        result.bytes += interpreter.inputEnded(context: FixedContext()).bytes
        return (String(decoding: result.bytes, as: UTF8.self), result.closes)
    }

    @Test func `A payload ends with an empty line, and belongs to the last command`() {
        #expect(answer("echo a <<\none\ntwo\n\n").text == "[\"a\"] \"one\\ntwo\\n\"\n\n")
        #expect(answer("echo a; echo b <<\none\n\n").text == "[\"a\"] nothing\n\n[\"b\"] \"one\\n\"\n\n")
        #expect(answer("echo a\n").text == "[\"a\"] nothing\n\n")
        #expect(answer("echo a <<\r\none\r\n\r\n").text == "[\"a\"] \"one\\n\"\n\n")
    }

    @Test func `Behind the mark stands what ends it, where it has empty lines of its own`() {
        #expect(answer("echo <<%EOF%\none\n\ntwo\n%EOF%\n").text == "[] \"one\\n\\ntwo\\n\"\n\n")
        // No payload: the mark is glued to a word, or too long.
        #expect(answer("echo a<<\n").text == "[\"a<<\"] nothing\n\n")
        #expect(answer("echo <<\(String(repeating: "x", count: 65))\n").text.hasSuffix("nothing\n\n"))
    }

    @Test func `A payload that is cut off is not used`() { #expect(answer("echo <<\none\n").text == "") }

    @Test func `A payload has a limit`() {
        let line = String(repeating: "x", count: 9_999) + "\n"
        let result = answer("echo <<\n" + String(repeating: line, count: 110))
        #expect(result.text == "Payload too long.\n\n" && result.isOver)
    }

    @Test func `The prompt shows that more lines are expected`() {
        #expect(answer("echo <<\none\n\n", isInteractive: true).text == "+ + [] \"one\\n\"\n\n> ")
    }
}
