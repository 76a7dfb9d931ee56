// Re-exports the rooms below, until each file that imports Rules imports what it uses.

@_exported public import Expressions
@_exported public import LogFormat
@_exported public import Patterns
