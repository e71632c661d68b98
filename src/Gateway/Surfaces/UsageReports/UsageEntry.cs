using System.Text.Json.Serialization;

namespace CozeCluster.Gateway.Surfaces.UsageReports;

/// <summary>
/// A row of a usage report. Only what the report groups by is there, and it is an empty text for turns without such a thing.
/// </summary>
/// <param name="Time">When the hour or day begins.</param>
/// <param name="Tenant">The tenant.</param>
/// <param name="Key">The name of the API key.</param>
/// <param name="User">The client's end user.</param>
/// <param name="Model">The requested model.</param>
/// <param name="Bot">The bot of the last attempt.</param>
/// <param name="Account">The account of the last attempt.</param>
/// <param name="Requests">How many turns have ended: the sum of the next four.</param>
/// <param name="Completed">See <see cref="UsageSums"/>, also for the others.</param>
/// <param name="Failed">Turns that failed.</param>
/// <param name="Cancelled">Turns that were cancelled.</param>
/// <param name="Unknown">Turns of unknown outcome.</param>
/// <param name="Attempts">Attempts of all turns.</param>
/// <param name="InputTokens">Tokens of prompts.</param>
/// <param name="OutputTokens">Tokens of replies.</param>
/// <param name="Credits">Credits that were charged.</param>
internal sealed record UsageEntry(
    DateTime? Time, string? Tenant, string? Key, string? User, string? Model, string? Bot, string? Account, long Requests, long Completed, long Failed,
    long Cancelled, long Unknown, long Attempts, long InputTokens, long OutputTokens, decimal Credits)
{
    /// <summary>The entry of a row.</summary>
    public static UsageEntry Of(UsageRow row) => new(
        row.Time?.UtcDateTime, row.TenantId, row.KeyName, row.User, row.Model, row.BotId, row.AccountId, row.Sums.Requests, row.Sums.Completed, row.Sums.Failed,
        row.Sums.Cancelled, row.Sums.Unknown, row.Sums.Attempts, row.Sums.InputTokens, row.Sums.OutputTokens, CreditsOf(row.Sums));

    /// <summary>Credits that were charged.</summary>
    public static decimal CreditsOf(UsageSums sums) => sums.Credits / (decimal)Amounts.UnitsPerCredit;
}

/// <summary>A page of a usage report.</summary>
/// <param name="Data">The rows.</param>
/// <param name="Next">The value of <c>after</c> for the next page; null on the last one.</param>
internal sealed record UsagePage(IReadOnlyList<UsageEntry> Data, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Next);

/// <summary>The JSON form of usage reports.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UsagePage))]
[JsonSerializable(typeof(string[]), TypeInfoPropertyName = "StringArray")]
internal sealed partial class UsageJson : JsonSerializerContext;
