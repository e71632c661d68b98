namespace CozeCluster;

/// <summary>How a bot's replies come in, where the upstream shows them by edits and does not say when they end.</summary>
/// <param name="Replies">How many were seen.</param>
/// <param name="FirstGap">A pause that hardly any reply exceeds between its first appearance and the first change of it.</param>
/// <param name="LaterGap">The same between later changes.</param>
/// <param name="Widening">At least 1: by how much more to wait, because replies were lately taken for ended too early.</param>
[GenerateSerializer, Immutable, Alias("reply-cadence")]
public sealed record ReplyCadence(int Replies, TimeSpan FirstGap, TimeSpan LaterGap, double Widening);

/// <summary>How one reply came in.</summary>
/// <param name="Id">Minted by whoever saw it; a sample sent twice counts once.</param>
/// <param name="FirstGap">From its first appearance to the first change of it; null if it came at once.</param>
/// <param name="LaterGap">The longest pause between later changes; null if there were none.</param>
/// <param name="WasCut">It was taken for ended and then continued; the gaps include the one that was misread.</param>
[GenerateSerializer, Immutable, Alias("reply-sample")]
public sealed record ReplySample(string Id, TimeSpan? FirstGap, TimeSpan? LaterGap, bool WasCut);
