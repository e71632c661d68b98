using System.Text;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The Coze-hosted bots: they look at every message posted and answer those that mention them.</summary>
internal sealed class CozeBots(FakeDiscord discord)
{
    private const int ContextMessages = 50;
    private CancellationTokenSource _running = new();

    public CozeBotScripts Scripts { get; } = new();

    /// <summary>Starts a reply for every Coze-hosted bot the message mentions. The caller holds the world's gate.</summary>
    public void Consider(DiscordMessage message)
    {
        foreach (var bot in message.Mentions.Where(user => user.Kind == UserKind.CozeBot && user != message.Author))
        {
            if (ReasonToIgnore(bot, message) is { } reason)
            {
                discord.Records.Add(DiscordRecordKind.ReplyWithheld, bot, message.Channel, message, reason);
                continue;
            }
            var (prompt, script) = CozeBotDirectives.ReadPrompt(Prompt(bot, message, ContextMessages), Scripts.Take());
            if (!script.Context) (prompt, _) = CozeBotDirectives.ReadPrompt(Prompt(bot, message, 0), script);
            script = script with { Notice = bot.CozeNotice ?? message.Author.CozeNotice ?? script.Notice };
            discord.Records.Add(DiscordRecordKind.ReplyStarted, bot, message.Channel, message, prompt);
            if (script.Silent) discord.Records.Add(DiscordRecordKind.ReplyWithheld, bot, message.Channel, message, "scripted silence");
            else Start(new CozeBotReply(discord, bot, message, prompt, script, _running.Token));
        }
    }

    /// <summary>Stops every reply that runs.</summary>
    public void Stop()
    {
        var stopped = Interlocked.Exchange(ref _running, new CancellationTokenSource());
        stopped.Cancel();
    }

    private string? ReasonToIgnore(DiscordUser bot, DiscordMessage message)
    {
        if (message.Author.IsBot && !discord.Options.AnswersBots) return "written by a bot";
        var needed = Permission.ViewChannel | (message.Channel.IsThread ? Permission.SendMessagesInThreads : Permission.SendMessages);
        return Permissions.In(message.Channel, bot).HasFlag(needed) ? null : "cannot post here";
    }

    /// <summary>
    /// What the bot reads: the message without the mention, its text files, a line for every other file; before it, as context, what the
    /// author said since its last prompt.
    /// </summary>
    private static string Prompt(DiscordUser bot, DiscordMessage message, int context)
    {
        var parts = new List<string> { Read(bot, message) };
        var channel = message.Channel.Messages;
        for (var i = channel.Count - 2; i >= 0 && i >= channel.Count - 1 - context; i--)
        {
            if (channel[i].Author != message.Author) continue;
            if (channel[i].Mentions.Any(user => user.Kind == UserKind.CozeBot)) break;
            parts.Add(Read(bot, channel[i]));
        }
        parts.Reverse();
        return string.Join('\n', parts);
    }

    private static string Read(DiscordUser bot, DiscordMessage message)
    {
        var text = new StringBuilder(message.Content.Replace(bot.Mention, "", StringComparison.Ordinal).Replace($"<@!{bot.Id}>", "", StringComparison.Ordinal).Trim());
        foreach (var file in message.Attachments)
        {
            if (text.Length > 0) text.Append('\n');
            if (file.ContentType.StartsWith("text/", StringComparison.Ordinal)) text.Append(Encoding.UTF8.GetString(file.Bytes));
            else text.Append($"[file {file.Filename}, {file.ContentType}, {file.Bytes.Length} bytes]");
        }
        return text.ToString();
    }

    private static void Start(CozeBotReply reply) => _ = Task.Run(reply.RunAsync);
}
