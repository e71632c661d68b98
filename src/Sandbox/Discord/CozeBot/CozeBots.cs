using System.Text;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The Coze-hosted bots. They answer the messages that mention them.</summary>
internal sealed class CozeBots(FakeDiscord discord)
{
    /// <summary>How many earlier messages are searched for context.</summary>
    private const int MaxContextMessages = 50;
    private CancellationTokenSource _stop = new();

    public ScriptQueue<CozeBotScript> Scripts { get; } = new(CozeBotDirectives.Parser, CozeBotScript.Default);

    /// <summary>Starts the reply of each Coze-hosted bot that the message mentions. The caller holds <see cref="DiscordState.Gate"/>.</summary>
    public void OnMessagePosted(DiscordMessage message)
    {
        foreach (var bot in message.Mentions.Where(user => user.Kind == UserKind.CozeBot && user != message.Author))
        {
            if (GetReasonToIgnore(bot, message) is { } reason)
            {
                discord.Records.Add(DiscordRecordKind.ReplyWithheld, bot, message.Channel, message, reason);
                continue;
            }
            var (prompt, script) = CozeBotDirectives.Parser.ParsePrompt(BuildPrompt(bot, message, MaxContextMessages), Scripts.Take());
            if (!script.Context) (prompt, _) = CozeBotDirectives.Parser.ParsePrompt(BuildPrompt(bot, message, 0), script);
            script = script with { Notice = bot.CozeNotice ?? message.Author.CozeNotice ?? script.Notice };
            discord.Records.Add(DiscordRecordKind.ReplyStarted, bot, message.Channel, message, prompt);
            if (script.Silent) discord.Records.Add(DiscordRecordKind.ReplyWithheld, bot, message.Channel, message, "scripted silence");
            else Start(new CozeBotReply(discord, bot, message, prompt, script, _stop.Token));
        }
    }

    /// <summary>Stops all running replies.</summary>
    public void Stop()
    {
        var stopped = Interlocked.Exchange(ref _stop, new CancellationTokenSource());
        stopped.Cancel();
    }

    private string? GetReasonToIgnore(DiscordUser bot, DiscordMessage message)
    {
        if (message.Author.IsBot && !discord.Options.AnswersBots) return "written by a bot";
        var required = Permission.ViewChannel | (message.Channel.IsThread ? Permission.SendMessagesInThreads : Permission.SendMessages);
        return Permissions.In(message.Channel, bot).HasFlag(required) ? null : "cannot post here";
    }

    /// <summary>
    /// Builds the prompt that the bot reads: the message without the mention, its text files, and a line for each other file. The messages
    /// of the same author since the last prompt come before it, as context.
    /// </summary>
    private static string BuildPrompt(DiscordUser bot, DiscordMessage message, int maxContext)
    {
        var parts = new List<string> { ReadMessage(bot, message) };
        var messages = message.Channel.Messages;
        for (var i = messages.Count - 2; i >= 0 && i >= messages.Count - 1 - maxContext; i--)
        {
            if (messages[i].Author != message.Author) continue;
            if (messages[i].Mentions.Any(user => user.Kind == UserKind.CozeBot)) break;
            parts.Add(ReadMessage(bot, messages[i]));
        }
        parts.Reverse();
        return string.Join('\n', parts).Trim();
    }

    private static string ReadMessage(DiscordUser bot, DiscordMessage message)
    {
        var content = message.Content.Replace(bot.Mention, "", StringComparison.Ordinal).Replace($"<@!{bot.Id}>", "", StringComparison.Ordinal);
        var text = new StringBuilder(content.Trim());
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
