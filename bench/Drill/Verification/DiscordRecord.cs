using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using CozeCluster.Bench;

namespace CozeCluster.Drill;

/// <summary>
/// Reads from the fake Discord which prompts were posted, what the bots answered, and which channels exist. The fake Discord keeps the records of deleted
/// channels.
/// </summary>
internal sealed partial class DiscordRecord(Uri sandbox) : IUpstreamRecord
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    // The longest time that a janitor needs after a crash: its intent of two minutes, then its reminder, which fires each minute.
    private static readonly TimeSpan CleanupTimeout = TimeSpan.FromMinutes(4);

    private readonly HttpClient _http = new() { BaseAddress = new Uri(sandbox, "discord/sandbox/"), Timeout = TimeSpan.FromSeconds(60) };

    /// <inheritdoc />
    public async Task<ILookup<int, UpstreamChat>> GetChatsAsync(CancellationToken cancellationToken)
    {
        var finished = (await GetEntriesAsync("reply_finished", cancellationToken)).ToDictionary(entry => entry.MessageId, entry => entry.At);
        var withheld = (await GetEntriesAsync("reply_withheld", cancellationToken)).ToLookup(entry => entry.MessageId, entry => entry.Detail);
        return (await GetPromptsAsync(cancellationToken)).ToLookup(prompt => prompt.Reply, prompt => ChatOf(prompt.Entry));

        UpstreamChat ChatOf(Entry prompt)
        {
            var ended = finished.TryGetValue(prompt.MessageId, out var at);
            var status = ended ? "completed" : withheld[prompt.MessageId].FirstOrDefault() is { } reason ? $"withheld: {reason}" : "in_progress";
            return new UpstreamChat(
                prompt.MessageId, prompt.ChannelId, status, DeltasAfterCancel: 0, ended ? at : null, HasVisibleEnd: ButtonsOf(prompt.Detail) > 0);
        }
    }

    /// <inheritdoc />
    public async Task<UpstreamReply> GetReplyAsync(UpstreamChat chat, CancellationToken cancellationToken)
    {
        var text = (await GetEntriesAsync("reply_finished", cancellationToken)).SingleOrDefault(entry => entry.MessageId == chat.Id)?.Detail ?? "";
        var prompt = (await GetPromptsAsync(cancellationToken)).Single(prompt => prompt.Entry.MessageId == chat.Id).Entry.Detail;
        return new UpstreamReply(text, "", [.. Enumerable.Range(1, ButtonsOf(prompt)).Select(number => $"Follow-up question {number}?")], []);
    }

    /// <inheritdoc />
    public Task<UpstreamReply> SendAsync(string prompt, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>Waits until the janitors have deleted the channels of the drill.</summary>
    /// <param name="unknown">The replies of unknown outcome. Their channels are kept until no turn can run in them any more.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    public async Task<LeftoverChannels> WaitForCleanupAsync(IReadOnlySet<int> unknown, CancellationToken cancellationToken)
    {
        var replies = (await GetPromptsAsync(cancellationToken)).ToLookup(prompt => prompt.Entry.ChannelId, prompt => prompt.Reply);
        // Replies whose prompt never arrived. There may be as many channels without a prompt.
        var withoutPrompt = unknown.Except(replies.SelectMany(group => group)).Count();
        for (var waited = TimeSpan.Zero; ; waited += PollInterval)
        {
            var channels = await GetChannelsAsync(cancellationToken);
            var empty = channels.Where(channel => !replies.Contains(channel)).ToList();
            var ofKnownOutcome = channels.Where(channel => replies[channel].Any(reply => !unknown.Contains(reply)));
            List<string> unexpected = [.. empty.Skip(withoutPrompt), .. ofKnownOutcome];
            if (unexpected.Count == 0 || waited >= CleanupTimeout)
                return new LeftoverChannels([.. unexpected.Select(Describe)], channels.Count - unexpected.Count);
            await Task.Delay(PollInterval, cancellationToken);
        }

        string Describe(string channel) => replies.Contains(channel)
            ? $"channel {channel} of reply {string.Join(", ", replies[channel])} was not deleted"
            : $"channel {channel}, which has no prompt, was not deleted";
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The channels and threads that did not exist at the start.</summary>
    private async Task<IReadOnlyList<string>> GetChannelsAsync(CancellationToken cancellationToken)
    {
        var guild = DiscordFleetFile.Guild;
        using var json = await GetAsync($"guilds/{guild.Id}/channels", cancellationToken);
        var ids = json.RootElement.EnumerateArray().Select(channel => channel.GetProperty("id").GetString()!);
        return [.. ids.Except([guild.CategoryId, guild.GeneralId, guild.FixedId])];
    }

    private async Task<IEnumerable<(int Reply, Entry Entry)>> GetPromptsAsync(CancellationToken cancellationToken) =>
        (await GetEntriesAsync("message_created", cancellationToken))
            .Select(entry => (Match: Prompt().Match(entry.Detail), Entry: entry))
            .Where(message => message.Match.Success)
            .Select(message => (int.Parse(message.Match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), message.Entry));

    private async Task<IReadOnlyList<Entry>> GetEntriesAsync(string kind, CancellationToken cancellationToken)
    {
        using var json = await GetAsync($"records?kind={kind}", cancellationToken);
        return
        [
            .. json.RootElement.EnumerateArray().Select(entry => new Entry(
                entry.GetProperty("at").GetDateTimeOffset(),
                entry.GetProperty("channel_id").GetString()!,
                entry.GetProperty("message_id").GetString()!,
                entry.GetProperty("detail").GetString()!)),
        ];
    }

    private async Task<JsonDocument> GetAsync(string path, CancellationToken cancellationToken) =>
        JsonDocument.Parse(await _http.GetByteArrayAsync(path, cancellationToken));

    [GeneratedRegex(@"Reply (\d+) \[\[")]
    private static partial Regex Prompt();

    private static int ButtonsOf(string prompt) => int.Parse(Buttons().Match(prompt).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@" buttons=(\d)")]
    private static partial Regex Buttons();

    private sealed record Entry(DateTimeOffset At, string ChannelId, string MessageId, string Detail);
}

/// <summary>The channels that still exist at the fake Discord after a drill.</summary>
/// <param name="Unexpected">A description of each channel that should have been deleted.</param>
/// <param name="Excused">The number of channels of replies of unknown outcome.</param>
internal sealed record LeftoverChannels(IReadOnlyList<string> Unexpected, int Excused);
