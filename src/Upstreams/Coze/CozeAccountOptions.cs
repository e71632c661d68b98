using System.Globalization;

namespace CozeCluster.Upstreams.Coze;

/// <summary>What only Coze knows of an account: <see cref="AccountDefinition.Options"/>.</summary>
public sealed record CozeAccountOptions
{
    private const int MostSeconds = 86_399;

    /// <summary>Option <c>token_lifetime_seconds</c>: what OAuth access tokens are asked to last, 60 s to 86,399 s (Coze's limit). Default an hour.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Reads options.</summary>
    /// <param name="options">Names and values as the fleet has them.</param>
    /// <param name="parsed">What they say; defaults where they are wrong.</param>
    /// <param name="errors">For each wrong option, what was expected.</param>
    /// <returns>Whether all are right.</returns>
    public static bool TryParse(IReadOnlyDictionary<string, string> options, out CozeAccountOptions parsed, out IReadOnlyDictionary<string, string> errors)
    {
        parsed = new CozeAccountOptions();
        var wrong = new Dictionary<string, string>();
        foreach (var (name, value) in options)
        {
            if (name != "token_lifetime_seconds") wrong[name] = "unknown; Coze accounts have token_lifetime_seconds";
            else if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 60 and <= MostSeconds)
                parsed = parsed with { TokenLifetime = TimeSpan.FromSeconds(seconds) };
            else wrong[name] = $"expected a whole number from 60 to {MostSeconds}";
        }
        errors = wrong;
        return wrong.Count == 0;
    }

    internal static CozeAccountOptions Parse(AccountDefinition account) => TryParse(account.Options, out var parsed, out var errors)
        ? parsed
        : throw new ClusterException(
            ErrorCode.UpstreamInvalidRequest, $"Account '{account.Id}' has wrong options: {string.Join("; ", errors.Select(e => $"{e.Key}: {e.Value}"))}.");
}
