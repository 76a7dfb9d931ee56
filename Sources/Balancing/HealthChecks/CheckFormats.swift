// What formats, expressions and variables of a check's steps see and make.

internal import Basics
internal import Expressions
internal import HTTP
internal import LogFormat

extension CheckRun {
    /// Calls `body` with a context that shows the response as far as it is here.
    mutating func withContext<R>(_ body: (ExchangeContext, FormatProgram) -> R) -> R? {
        guard let context, let program = plan.program else { return nil }
        guard answer.hasHead else { return body(context, program) }
        swap(&context.response, &answer.head)
        defer { swap(&context.response, &answer.head) }
        context.responseBody = answer.content
        return body(context, program)
    }

    func showPayload(_ bytes: RawSpan) {
        guard let context else { return }
        context.responsePayload.removeAll(keepingCapacity: true)
        for i in 0..<bytes.byteCount { context.responsePayload.append(bytes[i]) }
    }

    /// What a format makes; nil if it makes no digits where it has to.
    mutating func text(_ format: Format, isHexadecimal: Bool) -> [UInt8]? {
        let made = withContext { context, program in
            format.render(context, program)
            return context.rendered
        }
        guard let made else { return nil }
        return isHexadecimal ? CheckExpectation.bytes(ofDigits: made) : made
    }

    /// The bytes to send; nil if a format makes no digits where it has to.
    mutating func bytes(of text: CheckText) -> [UInt8]? {
        switch text {
        case .fixed(let bytes): bytes
        case .format(let format): self.text(format, isHexadecimal: false)
        case .hexFormat(let format): self.text(format, isHexadecimal: true)
        }
    }

    /// The request with what its formats make.
    mutating func rendered(_ check: HTTPCheck) -> HTTPCheck {
        guard let formats = check.formats else { return check }
        var check = check
        if let format = formats.target { check.target = String(verbatim: text(format, isHexadecimal: false) ?? []) }
        // A request has a target.
        if check.target.isEmpty { check.target = "/" }
        for (index, format) in formats.headers {
            check.headers[index] += String(verbatim: text(format, isHexadecimal: false) ?? [])
        }
        if let format = formats.body { check.body = String(verbatim: text(format, isHexadecimal: false) ?? []) }
        return check
    }

    mutating func set(_ name: VariableName, _ conditions: SetConditions, _ source: CheckVariableSource) {
        _ = withContext { context, program in
            context.withScratch {
                switch source {
                case .expression(let expression):
                    if let value = expression.evaluate(context, program) { context.set(name, value, if: conditions) }
                case .format(let format):
                    format.render(context, program)
                    let text = context.make { $0 += context.rendered }
                    context.set(name, .string(text), if: conditions)
                }
            }
        }
    }
}

extension CheckExpectation {
    var isHexadecimal: Bool { if case .hexFormat = pattern { true } else { false } }
}
