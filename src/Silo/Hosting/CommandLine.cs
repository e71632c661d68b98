using System.CommandLine;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Hosting;

/// <summary>What the process is to do.</summary>
internal enum NodeCommand
{
    /// <summary>Run the node.</summary>
    Run,

    /// <summary>Check the fleet file.</summary>
    Check,

    /// <summary>Create or update the tables of a cluster.</summary>
    SchemaApply,

    /// <summary>Move what a single node has stored into a cluster.</summary>
    StoreMove,
}

/// <summary>What the command line says.</summary>
/// <param name="Values">Settings given there, by <see cref="Setting.Name"/>.</param>
/// <param name="Command">What is to be done.</param>
/// <param name="Answered">Whether help or the version was asked for and has been printed.</param>
internal sealed record CommandLine(IReadOnlyDictionary<string, string> Values, NodeCommand Command, bool Answered)
{
    /// <summary>Reads the command line.</summary>
    /// <exception cref="StartException">It holds something unknown or incomplete.</exception>
    public static CommandLine Parse(string[] args)
    {
        var settings = Settings.All.Where(setting => !setting.Secret).ToDictionary(setting => setting, MakeOption);
        var check = new Command("check", "Check the fleet file and say what is wrong with it; start nothing.");
        var apply = new Command("apply", "Create the tables of a cluster in its database, or bring them up to date.");
        var schema = new Command("schema", "The tables of a cluster.") { apply };
        var move = new Command("move", "Copy what a single node has stored in its data folder into the database of a cluster that has stored nothing yet.");
        var store = new Command("store", "What nodes store.") { move };
        var root = new RootCommand("CozeCluster: an OpenAI-compatible gateway to Coze bots. Every option is a setting too; see docs/configuration.md.") { check, schema, store };
        // The parser asks for an action; doing it is the caller's.
        Command[] commands = [root, check, apply, move];
        foreach (var command in commands) command.SetAction(_ => ExitCodes.Success);
        foreach (var (setting, option) in settings)
        {
            option.Recursive = setting == Settings.Fleet || setting == Settings.Postgres || setting == Settings.Data || setting == Settings.ClusterId;
            root.Add(option);
        }

        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Errors.Count > 0)
        {
            var names = settings.Values.Select(option => option.Name).Concat(["check", "schema", "apply", "store", "move"]).ToList();
            throw new StartException([.. parsed.Errors.Select(error => error.Message + Hint(error.Message, names)).Distinct(), "Use --help to see what there is."]);
        }
        if (parsed.Action != parsed.CommandResult.Command.Action)
        {
            parsed.Invoke();
            return new CommandLine(new Dictionary<string, string>(), NodeCommand.Run, Answered: true);
        }
        var values = settings
            .Where(pair => parsed.GetResult(pair.Value) is { Implicit: false })
            .ToDictionary(pair => pair.Key.Name, pair => pair.Value is Option<bool> ? "true" : parsed.GetValue((Option<string>)pair.Value)!);
        return new CommandLine(values, (NodeCommand)Array.IndexOf(commands, parsed.CommandResult.Command), Answered: false);
    }

    private static Option MakeOption(Setting setting)
    {
        var described = $"{setting.Meaning}{(setting.Default is null || setting.Value is null ? "" : $" Default: {setting.Default}.")} [{setting.Variable}]";
        return setting.Value is null
            ? new Option<bool>(setting.Option) { Description = described, Arity = ArgumentArity.Zero }
            : new Option<string>(setting.Option) { Description = described, HelpName = setting.Value, Arity = ArgumentArity.ExactlyOne };
    }

    // The parser quotes what it did not know.
    private static string Hint(string message, List<string> names) =>
        message.Split('\'') is [_, var unknown, _] && !names.Contains(unknown) ? Suggestion.For(unknown.Split('=')[0], names) : "";
}
