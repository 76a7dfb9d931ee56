// How much room the heads have for what rules write.

internal import Basics
public import HTTP

extension ExchangeContext {
    /// Whether the head of the message that the rules are about is not too long.
    public var headFits: Bool {
        switch side {
        case .request: request.isWithin(headBytesMax)
        case .response: response.isWithin(headBytesMax)
        }
    }

    /// By how much that head may still grow.
    public var headRoom: Int {
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

    public var byteCount: Int { lineByteCount + fields.byteCount }

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
