using System.CommandLine;
using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Hosting;

/// <summary>A command of the program.</summary>
internal enum NodeCommand
{
    /// <summary>Run the node.</summary>
    Run,

    /// <summary>Check the fleet file.</summary>
    Check,

    /// <summary>Create or update the tables of a cluster.</summary>
    SchemaApply,

    /// <summary>Copy the data of a single node into a cluster.</summary>
    StoreMove,

    /// <summary>Accept the data of a single node although saves are missing.</summary>
    StoreAccept,

    /// <summary>Copy the data of a single node or a cluster into a file.</summary>
    StoreBackup,

    /// <summary>Copy the data in a file into a new data folder or an empty cluster.</summary>
    StoreRestore,

    /// <summary>Write a fleet file from the configuration of an older system.</summary>
    Migrate,

    /// <summary>Make an API key.</summary>
    KeysCreate,

    /// <summary>List API keys.</summary>
    KeysList,

    /// <summary>Delete an API key.</summary>
    KeysRevoke,

    /// <summary>Chat with a model of a node.</summary>
    Repl,
}

/// <summary>The parsed command line.</summary>
/// <param name="Values">The settings that it sets, by <see cref="Setting.Name"/>.</param>
/// <param name="Command">The command to execute.</param>
/// <param name="IsHandled">Whether it asked for the help or the version, which have been printed.</param>
/// <param name="File">The backup file of <c>store backup</c> and <c>store restore</c>; null for other commands.</param>
internal sealed record CommandLine(IReadOnlyDictionary<string, string> Values, NodeCommand Command, bool IsHandled, string? File = null)
{
    private static readonly Setting[] OfAllCommands = [Settings.Fleet, Settings.FromEnv, Settings.Postgres, Settings.Data, Settings.ClusterId];

    /// <summary>What <c>migrate</c> was asked for; null for other commands.</summary>
    public MigrateRequest? Migration { get; init; }

    /// <summary>What <c>keys</c> was asked for; null for other commands.</summary>
    public KeyRequest? Keys { get; init; }

    /// <summary>Address and model of <c>repl</c>; null for other commands, and where they are not set.</summary>
    public (string? Url, string? Model) Repl { get; init; }

    /// <summary>Whether <c>check</c> asks the upstreams, too.</summary>
    public bool IsOnline { get; init; }

    /// <summary>Parses the command line. Prints the help or the version if it asks for them.</summary>
    /// <exception cref="StartException">It contains something unknown or incomplete.</exception>
    public static CommandLine Parse(string[] args)
    {
        var options = Settings.All.Where(setting => !setting.Secret).ToDictionary(setting => setting, MakeOption);
        Option<string>[] files =
        [
            MakeFileOption("--to", "The file to write. It must not exist yet."),
            MakeFileOption("--from", "The file that store backup has written."),
        ];
        Option<string>[] repl =
        [
            new("--url") { HelpName = "url", Description = "The address of a node. Default: http://127.0.0.1:7077. [COZECLUSTER_URL]" },
            new("--model") { HelpName = "model", Description = "The model. Default: the first one that the key may use. [COZECLUSTER_MODEL]" },
        ];
        var online = new Option<bool>("--online") { Description = "Ask the upstreams, too. No bot receives a message.", Arity = ArgumentArity.Zero };
        var migration = new MigrateArguments();
        var keys = new KeyArguments();
        var (root, commands) = MakeCommands(files, migration, keys, repl, online);
        foreach (var option in options.Values) root.Add(option);
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Errors.Count > 0)
        {
            var names = options.Values.Concat(files).Concat(migration.Options).Concat(keys.Options).Concat(repl).Append(online).Select(option => option.Name)
                .Concat(["check", "schema", "apply", "store", "move", "accept", "backup", "restore", "migrate", "repl", "chat"])
                .Concat(["keys", "create", "list", "revoke"]).ToList();
            var problems = parsed.Errors.Select(error => error.Message + SuggestionFor(error.Message, names)).Distinct();
            throw new StartException([.. problems, "Use --help to list commands and options."]);
        }
        if (parsed.Action != parsed.CommandResult.Command.Action)
        {
            parsed.Invoke();
            return new CommandLine(new Dictionary<string, string>(), NodeCommand.Run, IsHandled: true);
        }
        var values = options
            .Where(pair => parsed.GetResult(pair.Value) is { Implicit: false })
            .ToDictionary(pair => pair.Key.Name, pair => pair.Value is Option<bool> ? "true" : parsed.GetValue((Option<string>)pair.Value)!);
        var file = files.Where(parsed.CommandResult.Command.Options.Contains).Select(parsed.GetValue).SingleOrDefault();
        var command = commands[parsed.CommandResult.Command];
        return new CommandLine(values, command, IsHandled: false, file)
        {
            Migration = command == NodeCommand.Migrate ? migration.Read(parsed) : null,
            Keys = command is NodeCommand.KeysCreate or NodeCommand.KeysList or NodeCommand.KeysRevoke ? keys.Read(parsed) : null,
            Repl = (parsed.GetValue(repl[0]), parsed.GetValue(repl[1])),
            IsOnline = parsed.GetValue(online),
        };
    }

    private static (RootCommand Root, Dictionary<Command, NodeCommand> Commands) MakeCommands(
        Option<string>[] files, MigrateArguments migration, KeyArguments keys, Option<string>[] replOptions, Option<bool> online)
    {
        var check = new Command("check", "Check the fleet file and list its problems. Starts nothing.") { online };
        var apply = new Command("apply", "Create the tables of a cluster in its database, or update them.");
        var schema = new Command("schema", "The tables of a cluster.") { apply };
        var move = new Command("move", "Copy the data of a single node from its data folder into the database of a cluster that has no data yet.");
        var accept = new Command("accept", "Use the data folder of a single node as it is, although the node has found that saved data is missing in it.");
        var backup = new Command(
            "backup", "Copy the data of a single node from its data folder, or with a database that of a cluster, into a file. Nodes may run meanwhile.")
        {
            files[0],
        };
        var restore = new Command(
            "restore", "Copy the data in a backup file into a data folder that has no data yet, or with a database into a cluster that has none.")
        {
            files[1],
        };
        var store = new Command("store", "The stored data of nodes.") { move, accept, backup, restore };
        var repl = new Command("repl", "Chat with a model of a node in the terminal. The API key is read from COZECLUSTER_KEY, or asked for.")
        {
            replOptions[0], replOptions[1],
        };
        repl.Aliases.Add("chat");
        const string About = "CozeCluster: an OpenAI-compatible API in front of Coze bots. docs/configuration.md explains all settings.";
        var root = new RootCommand(About) { check, keys.Command, migration.Command, schema, store, repl };
        var commands = new Dictionary<Command, NodeCommand>
        {
            [root] = NodeCommand.Run, [check] = NodeCommand.Check, [apply] = NodeCommand.SchemaApply, [move] = NodeCommand.StoreMove,
            [accept] = NodeCommand.StoreAccept,
            [backup] = NodeCommand.StoreBackup, [restore] = NodeCommand.StoreRestore,
            [migration.Command] = NodeCommand.Migrate,
            [keys.Create] = NodeCommand.KeysCreate, [keys.List] = NodeCommand.KeysList, [keys.Revoke] = NodeCommand.KeysRevoke,
            [repl] = NodeCommand.Repl,
        };
        // The parser requires an action for each command. The program executes the commands itself.
        foreach (var command in commands.Keys) command.SetAction(_ => ExitCodes.Success);
        return (root, commands);
    }

    private static Option<string> MakeFileOption(string name, string description) =>
        new(name) { HelpName = "file", Arity = ArgumentArity.ExactlyOne, Description = description, Required = true };

    private static Option MakeOption(Setting setting)
    {
        var defaultText = setting.Default is null || setting.Value is null ? "" : $" Default: {setting.Default}.";
        var description = $"{setting.Description}{defaultText} [{setting.Variable}]";
        Option option = setting.Value is null
            ? new Option<bool>(setting.Option) { Arity = ArgumentArity.Zero }
            : new Option<string>(setting.Option) { HelpName = setting.Value, Arity = ArgumentArity.ExactlyOne };
        option.Description = description;
        option.Recursive = OfAllCommands.Contains(setting);
        return option;
    }

    // The parser puts unknown names in quotes.
    private static string SuggestionFor(string message, List<string> names) =>
        message.Split('\'') is [_, var unknown, _] && !names.Contains(unknown) ? Suggestion.For(unknown.Split('=')[0], names) : "";
}
