using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace CozeCluster.Drill;

/// <summary>Asks the fake Discord which prompts were posted, what the bots answered, and which channels are there. Its records outlive the channels.</summary>
internal sealed partial class DiscordRecord(Uri sandbox) : IFarRecord
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Longer than the janitor's longest way: an intent of two minutes that a crash cut off, then its reminder, which comes each minute.
    private static readonly TimeSpan TidyPatience = TimeSpan.FromMinutes(4);

    private readonly HttpClient _http = new() { BaseAddress = new Uri(sandbox, "discord/sandbox/"), Timeout = TimeSpan.FromSeconds(60) };

    /// <inheritdoc />
    public async Task<ILookup<int, FarChat>> ChatsAsync(CancellationToken cancellationToken)
    {
        var finished = (await LinesAsync("reply_finished", cancellationToken)).ToDictionary(line => line.MessageId, line => line.At);
        var withheld = (await LinesAsync("reply_withheld", cancellationToken)).ToLookup(line => line.MessageId, line => line.Detail);
        return (await PromptsAsync(cancellationToken)).ToLookup(prompt => prompt.Reply, prompt => Chat(prompt.Line));

        FarChat Chat(Line prompt)
        {
            var ended = finished.TryGetValue(prompt.MessageId, out var at);
            var status = ended ? "completed" : withheld[prompt.MessageId].FirstOrDefault() is { } why ? $"withheld: {why}" : "in_progress";
            return new FarChat(prompt.MessageId, prompt.ChannelId, status, DeltasAfterCancel: 0, ended ? at : null, TellsItsEnd: ButtonsOf(prompt.Detail) > 0);
        }
    }

    /// <inheritdoc />
    public async Task<FarReply> ReplyAsync(string conversationId, string chatId, CancellationToken cancellationToken)
    {
        var said = (await LinesAsync("reply_finished", cancellationToken)).SingleOrDefault(line => line.MessageId == chatId)?.Detail ?? "";
        var prompt = (await PromptsAsync(cancellationToken)).Single(prompt => prompt.Line.MessageId == chatId).Line.Detail;
        return new FarReply(said, "", [.. Enumerable.Range(1, ButtonsOf(prompt)).Select(number => $"Follow-up question {number}?")], []);
    }

    /// <inheritdoc />
    public Task<FarReply> AskAsync(string prompt, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Waits until the janitors have tidied up.</summary>
    /// <param name="unknown">The replies of unknown outcome. Their channels are nobody's, and stay until no turn can run in them any more.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<ChannelsLeft> TidyAsync(IReadOnlySet<int> unknown, CancellationToken cancellationToken)
    {
        var replies = (await PromptsAsync(cancellationToken)).ToLookup(prompt => prompt.Line.ChannelId, prompt => prompt.Reply);
        // Of these the prompt never arrived: at most as many channels are there without any.
        var silent = unknown.Except(replies.SelectMany(group => group)).Count();
        for (var waited = TimeSpan.Zero; ; waited += Pause)
        {
            var there = await ChannelsAsync(cancellationToken);
            var empty = there.Where(channel => !replies.Contains(channel)).ToList();
            List<string> open = [.. empty.Skip(silent), .. there.Where(channel => replies[channel].Any(reply => !unknown.Contains(reply)))];
            if (open.Count == 0 || waited >= TidyPatience) return new ChannelsLeft([.. open.Select(Tell)], there.Count - open.Count);
            await Task.Delay(Pause, cancellationToken);
        }

        string Tell(string channel) => $"channel {channel} was left open, {(replies.Contains(channel) ? $"of reply {string.Join(", ", replies[channel])}" : "without any prompt")}";
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Channels and threads besides those the server began with.</summary>
    private async Task<IReadOnlyList<string>> ChannelsAsync(CancellationToken cancellationToken)
    {
        var guild = DiscordFleet.Guild;
        using var json = await GetAsync($"guilds/{guild.Id}/channels", cancellationToken);
        return [.. json.RootElement.EnumerateArray().Select(channel => channel.GetProperty("id").GetString()!).Except([guild.CategoryId, guild.GeneralId, guild.FixedId])];
    }

    private async Task<IEnumerable<(int Reply, Line Line)>> PromptsAsync(CancellationToken cancellationToken) =>
        (await LinesAsync("message_created", cancellationToken))
            .Select(line => (Match: Prompt().Match(line.Detail), Line: line))
            .Where(message => message.Match.Success)
            .Select(message => (int.Parse(message.Match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), message.Line));

    private async Task<IReadOnlyList<Line>> LinesAsync(string kind, CancellationToken cancellationToken)
    {
        using var json = await GetAsync($"records?kind={kind}", cancellationToken);
        return [.. json.RootElement.EnumerateArray().Select(line => new Line(
            line.GetProperty("at").GetDateTimeOffset(), line.GetProperty("channel_id").GetString()!, line.GetProperty("message_id").GetString()!, line.GetProperty("detail").GetString()!))];
    }

    private async Task<JsonDocument> GetAsync(string path, CancellationToken cancellationToken) =>
        JsonDocument.Parse(await _http.GetByteArrayAsync(path, cancellationToken));

    [GeneratedRegex(@"Reply (\d+) \[\[")]
    private static partial Regex Prompt();

    private static int ButtonsOf(string prompt) => int.Parse(Buttons().Match(prompt).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@" buttons=(\d)")]
    private static partial Regex Buttons();

    private sealed record Line(DateTimeOffset At, string ChannelId, string MessageId, string Detail);
}

/// <summary>What was not tidied up at the fake Discord.</summary>
/// <param name="Open">Channels that should have gone, told in words.</param>
/// <param name="Excused">How many are there besides, of replies of unknown outcome.</param>
internal sealed record ChannelsLeft(IReadOnlyList<string> Open, int Excused);
