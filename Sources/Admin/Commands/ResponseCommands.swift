// The commands about OCSP responses, which are sent with certificates: `show`, `set` and `update` of `ssl ocsp-response`, and
// `show ssl ocsp-updates`.

internal import Basics
internal import TLS

public enum ShowResponses: RuntimeCommand {
    public static let name = "show ssl ocsp-response"
    public static let usage = "show ssl ocsp-response [[text|base64] <id|path>]"
    public static let level = AccessLevel.admin
    public static let summary = "display the IDs of the OCSP responses used in memory, or the details of one"

    public static func run(_ call: inout CommandCall) {
        let store = call.context.encryption.certificates
        let isEncoded = call.takeOption("base64")
        if !isEncoded { _ = call.takeOption("text") }
        guard let wanted = call.words.first else {
            if isEncoded {
                return call.fail("'show ssl ocsp-response [text|base64]' expects a valid certificate path or ID")
            }
            return call.say { store.appendResponses(to: &$0) }
        }
        var text: [UInt8] = []
        guard store.appendResponse(of: wanted, isEncoded: isEncoded, to: &text) else {
            return call.fail("Certificate ID or path does not match any certificate.")
        }
        call.say { $0 += text }
    }
}

public enum SetResponse: RuntimeCommand {
    public static let name = "set ssl ocsp-response"
    public static let usage = "set ssl ocsp-response <resp|payload>"
    public static let level = AccessLevel.admin
    public static let summary = "update a certificate's OCSP Response from a base64-encode DER"

    public static func run(_ call: inout CommandCall) {
        let text = call.payload?.bytes ?? Array(call.words.joined().utf8)
        guard !text.isEmpty else {
            return call.fail("'set ssl ocsp-response' expects response in base64 encoding.")
        }
        let store = call.context.encryption.certificates
        call.attempt { () throws(TransactionProblem) in
            try store.exchangeResponse(text)
            return "OCSP Response updated!"
        }
    }
}

/// `update ssl ocsp-response`: answers once the responder has.
public enum UpdateResponse: RuntimeCommand {
    public static let name = "update ssl ocsp-response"
    public static let usage = "update ssl ocsp-response <certfile>"
    public static let level = AccessLevel.admin
    public static let summary = "send ocsp request and update stored ocsp response"

    public static func run(_ call: inout CommandCall) {
        guard let path = call.words.first else { return call.fail("'update ssl ocsp-response' expects a filename") }
        let answer = PendingAnswer()
        let refusal = call.context.fetchResponse(of: path) { result in
            var text: [UInt8] = []
            switch result {
            case .success(let response): response.append(to: &text)
            case .failure(let fault): text.append("Can't update the OCSP response of \(path): \(fault.reason).\n")
            }
            answer.text = text
        }
        if let refusal {
            call.fail(refusal)
            call.say("Can't send ocsp request for \(path)!")
        } else {
            call.wait(for: answer)
        }
    }
}

public enum ShowResponseUpdates: RuntimeCommand {
    public static let name = "show ssl ocsp-updates"
    public static let level = AccessLevel.admin
    public static let summary = "display information about the OCSP responses that are fetched, the next one first"

    public static func run(_ call: inout CommandCall) {
        call.say(ResponseUpdateReport.header)
        let now = Int64(call.context.wallTime.seconds)
        for report in call.context.responseUpdates() { call.say { report.append(to: &$0, now: now) } }
    }
}
