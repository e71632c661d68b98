namespace CozeCluster.Sandbox.Discord;

internal enum UserKind
{
    Account,
    Listener,
    CozeBot,
}

/// <summary>A user account or a bot, with what an operator can do to it.</summary>
internal sealed class DiscordUser
{
    public required ulong Id { get; init; }

    public required string Username { get; init; }

    public required string Token { get; init; }

    public required UserKind Kind { get; init; }

    public bool IsBot => Kind != UserKind.Account;

    /// <summary>False after a revocation, or after more identifies than a day allows.</summary>
    public bool TokenWorks { get; set; } = true;

    /// <summary>Discord wants a phone number or the like: every request gets 40002.</summary>
    public bool NeedsVerification { get; set; }

    /// <summary>The privileged intents switched on in the developer portal.</summary>
    public Intents Privileged { get; set; } = Intents.Privileged;

    /// <summary>Set on an account: Coze answers it with this notice. Set on a Coze bot: it answers everybody so.</summary>
    public string? CozeNotice { get; set; }

    public string Mention => $"<@{Id}>";
}
