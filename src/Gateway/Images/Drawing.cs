namespace CozeCluster.Gateway.Images;

/// <summary>What one turn brought.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Urls">Addresses of its images.</param>
/// <param name="Rest">What the bot said besides.</param>
/// <param name="Usage">Tokens, if the far side told them.</param>
internal sealed record Drawing(string TurnId, IReadOnlyList<string> Urls, string? Rest, Usage? Usage);

/// <summary>An image of the response: exactly one of <paramref name="Url"/> and <paramref name="Content"/> is set.</summary>
internal sealed record DrawnImage(string? Url, ReadOnlyMemory<byte>? Content, string? RevisedPrompt);
