namespace CozeCluster;

/// <summary>What is needed to find a running exchange at the upstream again. Saved before the client's first byte.</summary>
/// <param name="BotId">The bot, as the fleet names it.</param>
/// <param name="AccountId">The account it was sent with.</param>
/// <param name="Upstream">The upstream's name.</param>
/// <param name="Ids">The upstream's own ids (<c>conversation_id</c>, <c>chat_id</c>).</param>
public sealed record UpstreamHandle(string BotId, string AccountId, string Upstream, IReadOnlyDictionary<string, string> Ids);
