namespace CozeCluster;

/// <summary>
/// Marks a method as idempotent: a second call with the same arguments has no further effect. Therefore a call is sent again if it was rejected or its answer
/// was lost. Orleans itself never sends a call twice.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class IdempotentAttribute : Attribute;
