using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Whom a message mentions.</summary>
internal static partial class MentionRules
{
    /// <summary>
    /// The users the text names and, in a reply, its target; of these only the ones <c>allowed_mentions</c> lets through.
    /// Without <c>allowed_mentions</c> all are mentioned, the target included.
    /// </summary>
    /// <exception cref="DiscordError">50035: <c>parse</c> and an explicit list exclude each other.</exception>
    public static IReadOnlyList<DiscordUser> Resolve(string content, JsonObject? allowed, World world, DiscordUser? replied)
    {
        var named = UserMention().Matches(content)
            .Select(match => ulong.TryParse(match.Groups[1].ValueSpan, out var id) ? world.Users.GetValueOrDefault(id) : null)
            .OfType<DiscordUser>();
        var mentions = new List<DiscordUser>(named.Where(Allowed(allowed)));
        if (replied is not null && (allowed is null || allowed.Flag("replied_user") == true)) mentions.Add(replied);
        return [.. mentions.Distinct()];
    }

    private static Func<DiscordUser, bool> Allowed(JsonObject? allowed)
    {
        if (allowed is null) return _ => true;
        var all = allowed.List("parse")?.Any(kind => kind?.ToString() == "users") ?? false;
        var users = allowed.List("users")?.Select(id => id?.ToString()).ToHashSet() ?? [];
        if (users.Count > 100) throw DiscordError.TooLong("allowed_mentions.users", 100);
        if (all && users.Count > 0)
        {
            throw DiscordError.InvalidForm("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                $"parse:[\"users\"] and users: [{string.Join(", ", users)}] are mutually exclusive.");
        }
        return user => all || users.Contains(user.Id.ToString());
    }

    [GeneratedRegex(@"<@!?(\d+)>")]
    private static partial Regex UserMention();
}
