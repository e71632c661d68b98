namespace CozeCluster.Sandbox.Discord;

/// <summary>One reply: a message that grows by edits of its whole content, goes on in further messages, and ends with buttons.</summary>
internal sealed class CozeBotReply(
    FakeDiscord discord, DiscordUser bot, DiscordMessage prompt, string promptText, CozeBotScript script, CancellationToken cancellationToken)
{
    private readonly CozeBotComponents _looks = new(discord, script);
    private readonly Random _random = new(discord.Seed ^ (int)prompt.Id);
    private DiscordMessage? _message;
    private GatewayEvent? _before;
    private int _page;

    public async Task RunAsync()
    {
        try
        {
            var text = CozeBotText.For(script, promptText, discord.Seed);
            await SpeakAsync(text);
            lock (discord.World.Gate)
            {
                cancellationToken.ThrowIfCancellationRequested();
                discord.Records.Add(DiscordRecordKind.ReplyFinished, bot, prompt.Channel, prompt, text);
            }
        }
        catch (OperationCanceledException)
        {
            // Reset, or the end of the sandbox.
        }
        catch (ChannelGoneException)
        {
            discord.Records.Add(DiscordRecordKind.ReplyWithheld, bot, prompt.Channel, prompt, "channel or message gone");
        }
    }

    private async Task SpeakAsync(string text)
    {
        if (script.Typing) Type();
        await WaitAsync(script.FirstByte);
        if (script.Placeholder is { } placeholder)
        {
            Show(placeholder, isLast: false);
            await WaitAsync(script.Pace);
        }

        // A notice or a fault is said at once and has no suggestions.
        var isPlain = script.Notice is not null || script.Fault is not null;
        if (script.Image == ReplyImage.Link && !isPlain) text = $"{text}\n\n![sandbox]({_looks.ImageUrl(prompt.Channel)})";
        var pages = CozeBotText.Cut(text, MessageRules.ContentUnits - Prefix.Length);
        if (script.Overflow == OverflowForm.Cut) pages = pages[..1];
        var steps = CozeBotText.Steps(string.Concat(pages), isPlain ? 1 : script.Chunks);
        for (var step = 1; step <= steps.Length; step++)
        {
            var isLast = step == steps.Length;
            if (step > 1) await WaitAsync(script.Pace * Swing());
            if (isLast && script.Pause > TimeSpan.Zero)
            {
                if (script.Typing) Type();
                await WaitAsync(script.Pause);
            }
            Disturb(step);
            ShowUpTo(pages, steps[step - 1], step < script.RewriteAt, isLast && !script.ButtonsApart && !isPlain);
            if (step == script.StopAfter) return;
        }
        if (script.ButtonsApart && !isPlain)
        {
            await WaitAsync(script.Pace);
            Show(pages[^1], isLast: true);
        }
        if (script.LateText is { } late)
        {
            await WaitAsync(script.LateAfter);
            Show(pages[^1] + late, isLast: false);
        }
    }

    /// <summary>Shows the text up to a place, over as many messages as it takes.</summary>
    private void ShowUpTo(List<string> pages, int shown, bool rewritten, bool isLast)
    {
        for (var start = pages.Take(_page).Sum(page => page.Length); ; start += pages[_page++].Length, _message = null)
        {
            var page = pages[_page];
            var content = page[..Math.Min(page.Length, shown - start)];
            var more = shown > start + page.Length;
            Show(rewritten ? content.ToUpperInvariant() : content, isLast && !more);
            if (!more) return;
        }
    }

    private string Prefix => script.Form == ReplyForm.Mention ? $"{prompt.Author.Mention} " : "";

    private void Show(string content, bool isLast)
    {
        lock (discord.World.Gate)
        {
            CheckThere();
            var full = Prefix + content;
            if (_message is null)
            {
                var draft = _looks.Draft(full, prompt.Channel, isLast);
                _message = discord.Messages.Add(bot, prompt.Channel, Addressed(draft));
                Repeat("MESSAGE_CREATE");
                return;
            }
            if (prompt.Channel.Find(_message.Id) is null) throw new ChannelGoneException();
            var change = _looks.Draft(full, prompt.Channel, isLast);
            if (change.Content == _message.Content && !isLast && !script.ComponentsV2) return;
            discord.Messages.Edit(_message, change.Content, change.Embeds, change.Components, change.Attachments);
            Repeat("MESSAGE_UPDATE");
        }
    }

    /// <summary>Ties a new message to its prompt in the way the script says; further messages may be left loose.</summary>
    private MessageDraft Addressed(MessageDraft draft)
    {
        var isLoose = script.Form == ReplyForm.Plain || _page > 0 && script.Overflow == OverflowForm.Plain;
        if (isLoose) return draft;
        draft = draft with { Mentions = [prompt.Author] };
        return script.Form == ReplyForm.Mention ? draft : draft with { Type = MessageType.Reply, Reference = new(prompt.Id, prompt.Channel) };
    }

    /// <summary>Delivers the event again, or the one before it once more, if the script wants it.</summary>
    private void Repeat(string type)
    {
        if (!script.Duplicate && !script.Stale) return;
        var happened = discord.Messages.Event(type, _message!);
        if (script.Duplicate) discord.Gateway.Publish(happened);
        if (script.Stale && _before is not null) discord.Gateway.Publish(_before);
        _before = type == "MESSAGE_CREATE" ? discord.Messages.Event("MESSAGE_UPDATE", _message!) : happened;
    }

    private void Disturb(int step)
    {
        if (step == script.DropAt) discord.DropSockets();
        if (step == script.ReconnectAt) discord.RequestReconnect();
        if (step == script.InvalidateAt) discord.InvalidateSessions(resumable: false);
    }

    private void Type()
    {
        lock (discord.World.Gate)
        {
            CheckThere();
            discord.Messages.Type(bot, prompt.Channel);
        }
    }

    /// <summary>After a reset there is a channel with the same id again, but not the same channel.</summary>
    private void CheckThere()
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (discord.World.Channels.GetValueOrDefault(prompt.Channel.Id) != prompt.Channel) throw new ChannelGoneException();
    }

    /// <summary>The same prompt swings in the same way.</summary>
    private double Swing() => 1 + (_random.NextDouble() * 2 - 1) * script.Jitter / 100;

    private Task WaitAsync(TimeSpan time) =>
        time > TimeSpan.Zero ? Task.Delay(time, discord.Time, cancellationToken) : Task.CompletedTask;

    private sealed class ChannelGoneException : Exception;
}
