using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Repl;

/// <summary>What the command <c>repl</c> talks to.</summary>
/// <param name="Url">The address of a node, without <c>/v1</c>.</param>
/// <param name="Model">The model; null for the first one in the list of models.</param>
/// <param name="Key">The API key; empty for none.</param>
internal sealed record ReplOptions(Uri Url, string? Model, string Key)
{
    /// <summary>Has the API key. It is not an option, because every user of the machine can read command lines.</summary>
    public const string KeyVariable = "COZECLUSTER_KEY";

    private const string UrlVariable = "COZECLUSTER_URL";
    private const string ModelVariable = "COZECLUSTER_MODEL";
    private const string DefaultUrl = "http://127.0.0.1:7077";

    /// <summary>Reads the options from the command line and the environment.</summary>
    /// <param name="url">The option <c>--url</c>; null if it is missing.</param>
    /// <param name="model">The option <c>--model</c>; null if it is missing.</param>
    /// <param name="variable">Reads an environment variable.</param>
    /// <param name="askKey">Asks the user for the key.</param>
    /// <exception cref="StartException">The URL is not valid.</exception>
    public static ReplOptions Read(string? url, string? model, Func<string, string?> variable, Func<string> askKey)
    {
        var text = url ?? (variable(UrlVariable) is { Length: > 0 } given ? given : DefaultUrl);
        if (!Uri.TryCreate(text, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https") || parsed.UserInfo.Length > 0)
            throw new StartException("--url: expected the URL of a node that begins with http:// or https://, without a user.");
        var address = text.TrimEnd('/');
        if (address.EndsWith("/v1", StringComparison.Ordinal)) address = address[..^3];
        var name = model ?? (variable(ModelVariable) is { Length: > 0 } known ? known : null);
        return new ReplOptions(new Uri(address + "/"), name, (variable(KeyVariable) ?? askKey()).Trim());
    }
}

/// <summary>The command <c>repl</c>: a conversation with a model of a node, in the terminal.</summary>
internal static class ReplCommand
{
    /// <summary>Runs the conversation until the user ends it.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="StartException">The URL is not valid.</exception>
    public static async Task<int> Run(string? url, string? model)
    {
        var options = ReplOptions.Read(url, model, Environment.GetEnvironmentVariable, AskKey);
        if (options is { Key.Length: > 0, Url: { Scheme: "http", IsLoopback: false } })
            await Console.Error.WriteLineAsync("Warning: the API key is sent without encryption. Use https.");
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ResponseDrainTimeout = TimeSpan.Zero });
        var loop = new ReplLoop(new ReplClient(http, options), options.Model, Console.In, Console.Out);
        Console.CancelKeyPress += (_, pressed) => pressed.Cancel = loop.TryInterrupt();
        return await loop.Run();
    }

    /// <summary>Reads the key from the terminal without showing it. Where there is no terminal, there is no key.</summary>
    private static string AskKey()
    {
        if (Console.IsInputRedirected) return "";
        Console.Error.Write($"API key (or set {ReplOptions.KeyVariable}; empty for none): ");
        var key = new List<char>();
        while (true)
        {
            var pressed = Console.ReadKey(intercept: true);
            if (pressed.Key == ConsoleKey.Enter) break;
            if (pressed.Key != ConsoleKey.Backspace && pressed.KeyChar != '\0') key.Add(pressed.KeyChar);
            else if (key.Count > 0) key.RemoveAt(key.Count - 1);
        }
        Console.Error.WriteLine();
        return new string([.. key]);
    }
}
