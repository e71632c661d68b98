namespace CozeCluster;

/// <summary>
/// The method is idempotent: called again with the same arguments, it has no further effect. So a call that was rejected, or whose answer was lost, is sent again.
/// Orleans itself never sends a call twice.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class IdempotentAttribute : Attribute;
