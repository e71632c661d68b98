namespace CozeCluster.Silo.Repl;

/// <summary>Reads what the user types, and shows the replies while they grow. The whole conversation is sent with each prompt.</summary>
/// <param name="client">The node.</param>
/// <param name="model">The model; null for the first one in the list of models.</param>
/// <param name="input">What the user types.</param>
/// <param name="output">The terminal.</param>
internal sealed class ReplLoop(ReplClient client, string? model, TextReader input, TextWriter output)
{
    private const string Quit = ":q";

    private readonly List<ReplMessage> _history = [];
    private readonly Lock _gate = new();
    private CancellationTokenSource? _reply;

    /// <summary>Cancels the reply that is running. May be called from any thread.</summary>
    /// <returns>False if none is running.</returns>
    public bool TryInterrupt()
    {
        lock (_gate)
        {
            _reply?.Cancel();
            return _reply is not null;
        }
    }

    /// <summary>Runs until the user types <c>:q</c> or ends the input.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> Run()
    {
        try
        {
            model ??= await client.FindModel();
        }
        catch (ReplException exception)
        {
            await output.WriteLineAsync(exception.Message);
            return Hosting.ExitCodes.Failure;
        }
        await output.WriteLineAsync($"{client.Url} {model}. {Quit} ends, Ctrl+C cancels a reply. ({Quit} 退出，Ctrl+C 取消回复)");
        while (true)
        {
            await output.WriteAsync("Me> ");
            await output.FlushAsync();
            var prompt = await input.ReadLineAsync();
            if (prompt is null or Quit) break;
            if (prompt.Trim().Length > 0) await Answer(prompt);
        }
        return Hosting.ExitCodes.Success;
    }

    /// <summary>Sends a prompt. It stays in the conversation only together with its whole reply.</summary>
    private async Task Answer(string prompt)
    {
        using var reply = new CancellationTokenSource();
        lock (_gate) _reply = reply;
        _history.Add(new ReplMessage("user", prompt));
        try
        {
            await output.WriteAsync("Bot> ");
            _history.Add(new ReplMessage("assistant", await client.Send(model!, _history, Show, reply.Token)));
            await output.WriteLineAsync();
        }
        catch (Exception exception) when (exception is ReplException || (exception is OperationCanceledException && reply.IsCancellationRequested))
        {
            _history.RemoveAt(_history.Count - 1);
            await output.WriteLineAsync($"\n({(exception is ReplException ? exception.Message : "cancelled 已取消")})");
        }
        finally
        {
            lock (_gate) _reply = null;
        }
    }

    /// <summary>Shows a piece of a reply. A bot must not control the terminal, so control characters are left out.</summary>
    private void Show(string text)
    {
        output.Write(string.Concat(text.Where(character => character is '\n' or '\t' || !char.IsControl(character))));
        output.Flush();
    }
}

/// <summary>A message of the conversation.</summary>
/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">The text.</param>
internal sealed record ReplMessage(string Role, string Content);

/// <summary>The node refused a request, could not be reached, or cut a reply.</summary>
/// <param name="message">What the user sees.</param>
/// <param name="inner">The cause; null if there is none.</param>
internal sealed class ReplException(string message, Exception? inner = null) : Exception(message, inner);
