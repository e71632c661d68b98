using System.CommandLine;
using CozeCluster.Migration;

namespace CozeCluster.Silo.Hosting;

/// <summary>The command line of <c>migrate</c>.</summary>
internal sealed class MigrateArguments
{
    private const string DefaultTarget = "fleet.yaml";

    private readonly Argument<string> _source = new("file-or-folder")
    {
        Description = "The old configuration: a file of it, or the folder that has its files.",
    };

    private readonly Option<string> _from = new("--from")
    {
        HelpName = string.Join('|', OldSystems.Modes), Description = "The old system. Default: found out from the files.",
    };

    private readonly Option<string> _target = new("--out")
    {
        HelpName = "file", Description = $"The fleet file to write; its secrets go into a file beside it that ends with .env. Default: {DefaultTarget}.",
    };

    private readonly Option<bool> _force = new("--force") { Arity = ArgumentArity.Zero, Description = "Overwrite files that exist." };

    private readonly Option<bool> _inline = new("--inline-secrets")
    {
        Arity = ArgumentArity.Zero, Description = "Write secrets into the fleet file itself, which only you can read then.",
    };

    public MigrateArguments() => Command = new Command(
        "migrate",
        "Write a fleet file from the configuration of coze-discord-proxy, coze-chat-proxy, Coze-Discord-Bridge, Real-Coze-API or aiproxy.")
    {
        _source, _from, _target, _force, _inline,
    };

    public Command Command { get; }

    public IReadOnlyList<Option> Options => [_from, _target, _force, _inline];

    public MigrateRequest Read(ParseResult parsed) => new(
        parsed.GetValue(_source)!, parsed.GetValue(_from), parsed.GetValue(_target) ?? DefaultTarget, parsed.GetValue(_force), parsed.GetValue(_inline));
}
