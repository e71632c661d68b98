namespace CozeCluster;

/// <summary>How long stored states of one name are kept. Registered beside the grain; storage deletes in the background what is older.</summary>
/// <param name="StateName">The name of the persistent state (<c>conversation</c>).</param>
/// <param name="KeptFor">Given a grain's key, how long its state is kept after its last save; null: for ever.</param>
public sealed record StateRetention(string StateName, Func<string, TimeSpan?> KeptFor);
