using System.CommandLine;

namespace CozeCluster.Silo.Hosting;

/// <summary>What <c>keys</c> was asked for.</summary>
/// <param name="Tenant">The tenant; null: all, for <c>keys list</c> only.</param>
/// <param name="Name">The name of the key; empty for <c>keys list</c>.</param>
internal sealed record KeyRequest(string? Tenant, string Name)
{
    /// <summary>The role of an admin key; null: a key of the tenant's API.</summary>
    public string? Role { get; init; }

    /// <summary>The models that it may use; null: all.</summary>
    public string? Models { get; init; }

    /// <summary>When it stops being valid; null: never.</summary>
    public string? Expires { get; init; }

    /// <summary>The addresses from which it may be used, separated by commas; null: all.</summary>
    public string? IpRanges { get; init; }

    /// <summary>Its limits, as a JSON object with the members of <c>limits</c> in a fleet file; null: none.</summary>
    public string? Limits { get; init; }

    /// <summary>Whether it is refused until somebody enables it.</summary>
    public bool Disabled { get; init; }
}

/// <summary>The command line of <c>keys</c>.</summary>
internal sealed class KeyArguments
{
    private readonly Option<string> _tenant = new("--tenant") { HelpName = "id", Description = "The tenant.", Required = true };
    private readonly Option<string> _listed = new("--tenant") { HelpName = "id", Description = "The tenant. Default: all tenants." };
    private readonly Option<string> _name = new("--name") { HelpName = "name", Description = "The name of the key, unique in the tenant.", Required = true };
    private readonly Option<string> _role = new("--role")
    {
        HelpName = "role", Description = "Make an admin key: owner, operator, viewer or tenant_admin. Default: a key of the tenant's API.",
    };

    private readonly Option<string> _models = new("--models") { HelpName = "ids", Description = "The models that it may use, with commas. Default: all." };
    private readonly Option<string> _expires = new("--expires") { HelpName = "date", Description = "When it stops being valid. Default: never." };
    private readonly Option<string> _ip = new("--ip") { HelpName = "ranges", Description = "Where it may be used from, with commas. Default: everywhere." };
    private readonly Option<string> _limits = new("--limits")
    {
        HelpName = "json", Description = "Its limits, as in a fleet file: '{\"requests_per_minute\": 60, \"daily\": {\"credits\": 5}}'. Default: none.",
    };

    private readonly Option<bool> _disabled = new("--disabled") { Description = "It is refused until the admin API enables it." };

    public KeyArguments()
    {
        Create = new Command("create", "Make an API key and print it. Nothing shows it again. A tenant that does not exist is made, too.")
        {
            _tenant, _name, _role, _models, _expires, _ip, _limits, _disabled,
        };
        List = new Command("list", "List the API keys, without the keys themselves.") { _listed };
        Revoke = new Command("revoke", "Delete an API key that was made here or through the admin API.") { _tenant, _name };
        Command = new Command("keys", "The API keys in the data folder of a stopped node, or with a database in a cluster, whose nodes may run.")
        {
            Create, List, Revoke,
        };
    }

    public Command Command { get; }

    public Command Create { get; }

    public Command List { get; }

    public Command Revoke { get; }

    public IReadOnlyList<Option> Options => [_tenant, _name, _role, _models, _expires, _ip, _limits, _disabled];

    public KeyRequest Read(ParseResult parsed) =>
        parsed.CommandResult.Command == List
            ? new KeyRequest(parsed.GetValue(_listed), "")
            : new KeyRequest(parsed.GetValue(_tenant), parsed.GetValue(_name)!)
            {
                Role = parsed.GetValue(_role), Models = parsed.GetValue(_models), Expires = parsed.GetValue(_expires),
                IpRanges = parsed.GetValue(_ip), Limits = parsed.GetValue(_limits), Disabled = parsed.GetValue(_disabled),
            };
}
