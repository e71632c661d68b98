namespace CozeCluster;

/// <summary>How long stored states with one name are kept. The storage deletes older states in the background.</summary>
/// <param name="StateName">The name of the persistent state (<c>conversation</c>).</param>
/// <param name="KeptFor">Given a grain's key, how long its state is kept after the last save; null: for ever.</param>
public sealed record StateRetention(string StateName, Func<string, TimeSpan?> KeptFor);
