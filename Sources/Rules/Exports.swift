// Who runs rules needs what they are made of: the rooms below are seen through this one, until each file says itself what it
// uses.

@_exported public import Expressions
@_exported public import LogFormat
@_exported public import Patterns
