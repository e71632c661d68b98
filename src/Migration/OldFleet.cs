namespace CozeCluster.Migration;

/// <summary>
/// What an old configuration means, in the terms of a fleet file. <c>FleetText</c> writes it. Strings named <c>From</c> say where something came from; they
/// become comments.
/// </summary>
public sealed class OldFleet
{
    /// <summary>The system that the configuration belongs to.</summary>
    public required OldSystem System { get; init; }

    /// <summary>The files that were read, as operators know them; empty if everything came from the environment.</summary>
    public IReadOnlyList<string> Files { get; set; } = [];

    /// <summary>The tenants. At least one.</summary>
    public List<OldTenant> Tenants { get; } = [];

    /// <summary>Where the old system listened. At least one.</summary>
    public List<OldEndpoint> Endpoints { get; } = [];

    /// <summary>Discord bots that receive replies.</summary>
    public List<OldListener> Listeners { get; } = [];

    /// <summary>Credentials.</summary>
    public List<OldAccount> Accounts { get; } = [];

    /// <summary>Bots and language models.</summary>
    public List<OldBot> Bots { get; } = [];

    /// <summary>Names that clients ask for.</summary>
    public List<OldModel> Models { get; } = [];

    /// <summary>Where notices were sent; null: nowhere.</summary>
    public OldTelegram? Telegram { get; set; }

    /// <summary>Further secrets that the node needs, which have no place in a fleet file.</summary>
    public List<FleetValue> OtherSecrets { get; } = [];

    /// <summary>What has no counterpart, what differs, and what the operator has to do.</summary>
    public List<MigrationNote> Notes { get; } = [];

    /// <summary>Whether accounts of persons send prompts.</summary>
    public bool HasUserAccounts => Accounts.Any(account => account.Options.Any(option => option is { Name: "kind", Value.Text: "user" }));
}

/// <summary>A value of the fleet: a text, or a secret that is stored in an environment variable.</summary>
public sealed record FleetValue
{
    private FleetValue(string? text, string? variable) => (Text, Variable) = (text, variable);

    /// <summary>The value; null if it is a secret that the old configuration does not contain.</summary>
    public string? Text { get; }

    /// <summary>The environment variable that holds the secret; null: the value is no secret.</summary>
    public string? Variable { get; }

    /// <summary>A value that anybody may read.</summary>
    public static FleetValue Plain(string text) => new(text, null);

    /// <summary>A secret.</summary>
    /// <param name="variable">The variable that will hold it.</param>
    /// <param name="text">The secret; null: the operator will set the variable.</param>
    public static FleetValue Secret(string variable, string? text) => new(text, variable);

    /// <summary>The value, or the name of the variable of a secret.</summary>
    public override string ToString() => Variable is null ? Text ?? "" : $"${{{Variable}}}";
}

/// <summary>A named value with the place that it came from.</summary>
public sealed record OldOption(string Name, FleetValue Value, string From = "");

/// <summary>An endpoint: an address and the API that it serves.</summary>
/// <param name="Id">The id in the fleet.</param>
/// <param name="Port">The port that it answers on; null: any, for requests to this machine.</param>
/// <param name="From">Where the port came from.</param>
public sealed record OldEndpoint(string Id, int? Port, string From = "")
{
    /// <summary>The tenant that requests without a key act for; null: a key is required.</summary>
    public string? Anonymous { get; init; }

    /// <summary>The reason, for a comment.</summary>
    public string AnonymousFrom { get; init; } = "";

    /// <summary>Requests that one address may send in a minute; null: no limit.</summary>
    public OldOption? RequestsPerMinute { get; init; }

    /// <summary>The addresses that it answers; empty: all.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];

    /// <summary>Options of the endpoint's mode.</summary>
    public IReadOnlyList<OldOption> Options { get; init; } = [];
}

/// <summary>An owner of API keys.</summary>
public sealed record OldTenant(string Id, string From = "")
{
    /// <summary>The API keys; empty: the tenant acts for requests without a key only.</summary>
    public List<OldOption> Keys { get; } = [];

    /// <summary>The model of requests that name none; null: they are refused.</summary>
    public string? DefaultModel { get; set; }

    /// <summary>Names that clients use, with <c>*</c> for any text, and the model of each.</summary>
    public List<OldOption> Aliases { get; } = [];
}

/// <summary>A Discord bot that receives replies.</summary>
public sealed record OldListener(string Id, FleetValue Token, FleetValue GuildId, string From = "")
{
    /// <summary>Another address of Discord's API; null: its own.</summary>
    public string? BaseUrl { get; init; }

    /// <summary>Its proxy; null: none.</summary>
    public FleetValue? Proxy { get; init; }
}

/// <summary>A credential.</summary>
public sealed record OldAccount(string Id, string Upstream, FleetValue Token, string From = "")
{
    /// <summary>Another address of the upstream; null: its own.</summary>
    public string? BaseUrl { get; init; }

    /// <summary>Its proxy; null: none.</summary>
    public FleetValue? Proxy { get; init; }

    /// <summary>Options of the upstream.</summary>
    public IReadOnlyList<OldOption> Options { get; init; } = [];
}

/// <summary>A bot or a language model.</summary>
public sealed record OldBot(string Id, string Upstream, FleetValue BotId, IReadOnlyList<string> Accounts, string From = "")
{
    /// <summary>Timeouts by their names; empty: those of the node.</summary>
    public IReadOnlyList<OldOption> Timeouts { get; init; } = [];

    /// <summary>What keeps it active, by names; empty: nothing.</summary>
    public IReadOnlyList<OldOption> KeepActive { get; init; } = [];

    /// <summary>Options of the upstream.</summary>
    public IReadOnlyList<OldOption> Options { get; init; } = [];
}

/// <summary>A name that clients ask for.</summary>
public sealed record OldModel(string Id, IReadOnlyList<string> Bots, IReadOnlyList<string> Tenants, string From = "")
{
    /// <summary>Whether lists leave it out, because clients know it by its aliases.</summary>
    public bool IsHidden { get; init; }
}

/// <summary>A chat of Telegram that receives notices.</summary>
public sealed record OldTelegram(FleetValue Token, string ChatId, string From = "");
