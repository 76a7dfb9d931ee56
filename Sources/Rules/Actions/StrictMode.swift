// `strict-mode`, and the one reason for which a change of a message fails for certain: the message has no room for it
// (manual, `http-request strict-mode`).

internal import Configuration
internal import HTTP

enum StrictMode {
    static let row = ActionRow(
        "strict-mode", in: RuleFamily.http, "on|off",
        summary:
            "Says whether a change that the rules behind it cannot make fails the message (500), as it is at first, or "
            + "is left out."
    ) { (arguments, _, _) throws(ConfigProblem) in
        .strictMode(try arguments.choice("a mode", of: ["on": true, "off": false]))
    }
}

extension ExchangeFacts {
    /// Whether the head of the message that the rules are about is not too long.
    var headFits: Bool {
        switch side {
        case .request: request.isWithin(headBytesMax)
        case .response: response.isWithin(headBytesMax)
        }
    }

    /// By how much that head may still grow.
    var headRoom: Int {
        switch side {
        case .request: headBytesMax - request.byteCount
        case .response: headBytesMax - response.byteCount
        }
    }
}

extension RequestHead {
    fileprivate func isWithin(_ bytesMax: Int) -> Bool {
        lineByteCount + fields.byteCountAtMost <= bytesMax || byteCount <= bytesMax
    }

    var byteCount: Int { lineByteCount + fields.byteCount }

    /// With the line's blanks, its version and its end.
    private var lineByteCount: Int { methodName.byteCount + target.byteCount + 12 }
}

extension ResponseHead {
    fileprivate func isWithin(_ bytesMax: Int) -> Bool {
        lineByteCount + fields.byteCountAtMost <= bytesMax || byteCount <= bytesMax
    }

    fileprivate var byteCount: Int { lineByteCount + fields.byteCount }

    private var lineByteCount: Int { reason.byteCount + 15 }
}
