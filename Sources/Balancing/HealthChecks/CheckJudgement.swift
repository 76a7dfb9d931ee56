// How a check under way judges what has come, and what its result says.

internal import Basics
internal import Configuration
internal import Expressions
internal import HTTP
internal import LogFormat
internal import Patterns

/// What an expectation makes of the bytes that have come.
enum CheckVerdict {
    case passes
    case needsMore
    /// The check ends here.
    case ends(CheckResult)
}

extension CheckRun {
    /// Judges what has come by one expectation.
    mutating func judge(
        _ expectation: CheckExpectation, _ input: inout ByteBuffer, _ end: InputEnd, at now: Instant
    ) -> CheckVerdict {
        if plan.script.isHTTP { return judgeAnswer(expectation, &input, end, at: now) }
        if input.isEmpty { return end == .open ? .needsMore : .ends(empty(expectation)) }
        if case .reply(let reply) = expectation.pattern {
            return judge(
                reply.read(input.readable, isFinal: end != .open, hasEnded: end == .ended), by: expectation)
        }
        status = nil
        info = ""
        if context != nil { showPayload(input.readable) }
        return judge(expectation, bytes: input.readable, isFinal: end != .open)
    }

    private mutating func judgeAnswer(
        _ expectation: CheckExpectation, _ input: inout ByteBuffer, _ end: InputEnd, at now: Instant
    ) -> CheckVerdict {
        if !answer.hasHead, let result = readAnswer(&input, end, at: now) { return .ends(wrong(result)) }
        guard answer.hasHead else { return .needsMore }
        status = answer.head.status
        if plan.script.drainsOnNotFound, status == 404, server.record.isUp {
            return .ends(CheckResult(.conditionallyPassed, .layer7Conditional, status: status))
        }
        switch expectation.pattern {
        case .statuses(let statuses):
            return conclude(expectation, statuses.contains { $0.contains(answer.head.status) })
        case .statusRegular(let index):
            let digits = Array(String(answer.head.status).utf8)
            return conclude(expectation, unsafe finds(index, digits.span.bytes))
        case .field(let field): return conclude(expectation, matches(field))
        case .grpcHealth:
            if !answer.isComplete, let result = readAnswer(&input, end, at: now) { return .ends(wrong(result)) }
            return answer.isComplete ? judge(GRPCHealthCheck.read(answer), by: expectation) : .needsMore
        default:
            if !answer.isComplete, let result = readAnswer(&input, end, at: now) { return .ends(wrong(result)) }
            let isFinal = answer.isComplete
            if answer.content.isEmpty {
                guard isFinal else { return .needsMore }
                return .ends(failed(expectation, "the answer has no content"))
            }
            let content = answer.content
            return unsafe judge(expectation, bytes: content.span.bytes, isFinal: isFinal)
        }
    }

    /// An answer that is none.
    private mutating func wrong(_ result: CheckResult) -> CheckResult {
        CheckResult(.failed, result.code, status: status, info: result.info + place(of: step))
    }

    /// Looks for a text or an expression in bytes.
    private mutating func judge(_ expectation: CheckExpectation, bytes: RawSpan, isFinal: Bool) -> CheckVerdict {
        var needed = expectation.bytesMin ?? 0
        let isFound: Bool
        switch expectation.pattern {
        case .text(let text), .binary(let text):
            // No more is needed than the text itself.
            needed = expectation.bytesMin.map { min($0, text.count) } ?? 0
            if !isFinal, bytes.byteCount < max(needed, text.count) { return .needsMore }
            isFound = bytes.contains(text)
        case .regular(let index):
            if !isFinal, bytes.byteCount < needed { return .needsMore }
            isFound = finds(index, bytes)
        case .hexRegular(let index):
            if !isFinal, bytes.byteCount < needed { return .needsMore }
            let digits = CheckExpectation.digits(bytes)
            isFound = unsafe finds(index, digits.span.bytes)
        case .format(let format), .hexFormat(let format):
            guard let text = text(format, isHexadecimal: expectation.isHexadecimal), !text.isEmpty else {
                return .ends(failed(expectation, "the log-format string makes nothing to look for"))
            }
            if !isFinal, bytes.byteCount < max(needed, text.count) { return .needsMore }
            isFound = bytes.contains(text)
        case .statuses, .statusRegular, .field, .grpcHealth, .reply:
            preconditionFailure("no pattern of bytes")
        }
        if let verdict = inDoubt(expectation) { return verdict }
        // With a least number of bytes, that nothing is found in them is conclusive.
        if !isFound, !isFinal, expectation.bytesMin == nil { return .needsMore }
        return conclude(expectation, isFound)
    }

    private mutating func judge(_ outcome: CheckReply.Outcome, by expectation: CheckExpectation) -> CheckVerdict {
        switch outcome {
        case .needsMore: return .needsMore
        case .passes(let status, let info):
            self.status = status
            if let info { self.info = info }
            return .passes
        case .fails(let code, let status, let info):
            self.status = status
            return .ends(failed(expectation.failedCode ?? code, info))
        case .reports(let report):
            self.report = report
            return .ends(report.result)
        }
    }

    private mutating func conclude(_ expectation: CheckExpectation, _ isFound: Bool) -> CheckVerdict {
        if let verdict = inDoubt(expectation) { return verdict }
        return isFound != expectation.isNegated ? .passes : .ends(mismatch(expectation))
    }

    /// A regular expression that came to no result neither passes nor, negated, lets pass.
    private mutating func inDoubt(_ expectation: CheckExpectation) -> CheckVerdict? {
        guard let context, context.undecidedMatches.isInDoubt else { return nil }
        context.undecidedMatches.isInDoubt = false
        return .ends(failed(expectation, "the regular expression came to no result within its steps"))
    }

    private func finds(_ index: Int, _ bytes: RawSpan) -> Bool {
        guard let context, let program = plan.program else { return false }
        return context.regularMatcher.finds(program.patterns.regularExpressions[index], in: bytes)
    }

    // MARK: Fields

    private mutating func matches(_ field: CheckedField) -> Bool {
        guard let name = text(of: field.name, isName: true) else { return false }
        let value = field.value.map { text(of: $0, isName: false) }
        if case .some(.none) = value { return false }
        for i in 0..<answer.head.fields.count where name.matches(answer.head.fields.name(i), ignoringCase: true) {
            guard case .some(.some(let value)) = value else { return true }
            if matches(answer.head.fields.value(i), value, isWhole: field.isWhole) { return true }
        }
        return false
    }

    private func matches(_ bytes: RawSpan, _ text: CheckedFieldText, isWhole: Bool) -> Bool {
        if isWhole { return text.matches(bytes, ignoringCase: false) }
        var start = 0
        while start <= bytes.byteCount {
            let end = bytes.firstIndex(from: start) { $0 == 0x2C }
            var range = start..<end
            while !range.isEmpty, Self.isBlank(bytes[range.lowerBound]) {
                range = range.lowerBound + 1..<range.upperBound
            }
            while !range.isEmpty, Self.isBlank(bytes[range.upperBound - 1]) {
                range = range.lowerBound..<range.upperBound - 1
            }
            if text.matches(bytes.extracting(range), ignoringCase: false) { return true }
            start = end + 1
        }
        return false
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Nil for a format that makes nothing. Names are compared in lower case.
    private mutating func text(of text: CheckedField.Text, isName: Bool) -> CheckedFieldText? {
        let bytes: [UInt8]
        let match: CheckedField.Match
        switch text {
        case .regular(let index):
            guard let context, let program = plan.program else { return nil }
            return .regular(program.patterns.regularExpressions[index], context.regularMatcher)
        case .fixed(let text, let kind): (bytes, match) = (text, kind)
        case .format(let format, let kind):
            guard let text = self.text(format, isHexadecimal: false), !text.isEmpty else { return nil }
            (bytes, match) = (text, kind)
        }
        return .fixed(isName ? bytes.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 } : bytes, match)
    }

    // MARK: Results

    /// The result when all steps have passed.
    var passed: CheckResult {
        mutating get {
            let tested = plan.script.steps.last { step in
                switch step.action {
                case .set, .unset: false
                default: true
                }
            }
            let words = plan.script.keyword == nil ? "" : "(\(plan.script.isHTTP ? "http-check" : "tcp-check"))"
            switch tested?.action {
            case .expect(let expectation)?:
                let own = expectation.onSuccess.flatMap { text($0, isHexadecimal: false) }
                let code = expectation.passedCode ?? .layer7OK
                return CheckResult(
                    code == .layer7Conditional ? .conditionallyPassed : .passed, code, status: shownStatus(expectation),
                    info: own.map { String(verbatim: $0) } ?? (info.isEmpty && !plan.script.isHTTP ? words : info))
            case .connect?:
                return CheckResult(.passed, isEncrypted ? .layer6OK : .layer4OK, info: words)
            default: return CheckResult(.passed, .layer7OK, info: words)
            }
        }
    }

    /// The result if time is up now.
    public var timedOut: CheckResult {
        guard plan.script.expects else {
            return CheckResult(.failed, .layer4Timeout, info: place(of: step).withoutLeadingBlank)
        }
        var code = CheckResult.Code.layer7Timeout
        if case .expect(let expectation) = step.action, let own = expectation.timeoutCode { code = own }
        return CheckResult(.failed, code, info: place(of: step).withoutLeadingBlank)
    }

    /// The result if the connection fails now.
    /// - Parameter name: the system's name of the error (`ECONNREFUSED`).
    public func broken(_ code: CheckResult.Code, _ info: String, named name: String? = nil) -> CheckResult {
        // In the words of HAProxy's logs.
        let words = name.map { "\($0) returned by OS (\(info))" } ?? info
        return CheckResult(.failed, code, info: (words + place(of: step)).withoutLeadingBlank)
    }

    /// Where in its lines the check is: ` at step 2 of tcp-check (connect port 1)`; empty if no line says the step.
    private func place(of step: CheckStep) -> String {
        guard let keyword = plan.script.keyword, step.number > 0 else { return "" }
        return " at step \(step.number) of \(keyword) (\(step.words))"
            + (step.comment.map { " comment: '\($0)'" } ?? "")
    }

    mutating func failed(_ code: CheckResult.Code, _ info: String) -> CheckResult {
        CheckResult(code == .layer7Conditional ? .conditionallyPassed : .failed, code, status: status, info: info)
    }

    /// A failure for another reason than what the expectation has found.
    private mutating func failed(_ expectation: CheckExpectation, _ why: String) -> CheckResult {
        status = shownStatus(expectation)
        return failed(
            expectation.failedCode ?? .layer7Response,
            expectation.onError.flatMap { text($0, isHexadecimal: false) }.map { String(verbatim: $0) }
                ?? why + place(of: step))
    }

    private mutating func empty(_ expectation: CheckExpectation) -> CheckResult {
        // The words that readers of HAProxy's logs know.
        failed(
            expectation.failedCode ?? .layer7Response,
            "TCPCHK got an empty response at step \(position(of: step))"
                + (step.comment.map { " comment: '\($0)'" } ?? ""))
    }

    /// The place of a step among those that are not implied.
    private func position(of step: CheckStep) -> Int { step.number }

    private mutating func mismatch(_ expectation: CheckExpectation) -> CheckResult {
        let code: CheckResult.Code = answer.hasHead && !expectation.isAboutContent ? .layer7Status : .layer7Response
        let own = expectation.onError.flatMap { text($0, isHexadecimal: false) }.map { String(verbatim: $0) }
        status = shownStatus(expectation)
        let comment = step.comment.map { " comment: '\($0)'" } ?? ""
        if let own { return failed(expectation.failedCode ?? code, own + comment) }
        // The server's own words say more than ours.
        let reason = answer.hasHead && !expectation.isAboutContent ? HTTPCheckAnswer.text(answer.head.reason) : ""
        guard reason.isEmpty, plan.script.keyword != nil else {
            return failed(expectation.failedCode ?? code, reason + comment)
        }
        let found = expectation.isNegated ? "has what it must not have" : "has not what it must have"
        return failed(expectation.failedCode ?? code, "the answer \(found)" + place(of: step))
    }

    /// The status that the result shows: what the line computes, or the response's.
    private mutating func shownStatus(_ expectation: CheckExpectation) -> Int? {
        guard let expression = expectation.status else { return status }
        let number = withContext { context, program in
            context.withScratch { expression.evaluate(context, program)?.integer(context) }
        }
        return (number ?? nil) ?? status
    }
}

extension String {
    fileprivate var withoutLeadingBlank: String { hasPrefix(" ") ? String(dropFirst()) : self }
}
