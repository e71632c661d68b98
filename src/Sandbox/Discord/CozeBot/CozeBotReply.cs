namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// One reply of a Coze-hosted bot: a message that grows by edits of its whole content, continues in further messages, and ends with buttons.
/// </summary>
internal sealed class CozeBotReply(
    FakeDiscord discord, DiscordUser bot, DiscordMessage prompt, string promptText, CozeBotScript script, CancellationToken cancellationToken)
{
    private readonly CozeBotMessageBuilder _builder = new(discord, script);
    private readonly Random _random = new(discord.Seed ^ (int)prompt.Id);
    private DiscordMessage? _message;
    private GatewayEvent? _previousEvent;
    private int _pageIndex;

    public async Task RunAsync()
    {
        try
        {
            var text = CozeBotText.Create(script, promptText, discord.Seed);
            await WriteReplyAsync(text);
            lock (discord.State.Gate)
            {
                cancellationToken.ThrowIfCancellationRequested();
                discord.Records.Add(DiscordRecordKind.ReplyFinished, bot, prompt.Channel, prompt, text);
            }
        }
        catch (OperationCanceledException)
        {
            // The sandbox was reset or stopped.
        }
        catch (ChannelDeletedException)
        {
            discord.Records.Add(DiscordRecordKind.ReplyWithheld, bot, prompt.Channel, prompt, "channel or message gone");
        }
    }

    private async Task WriteReplyAsync(string text)
    {
        if (script.Typing) SendTyping();
        await WaitAsync(script.FirstByte);
        if (script.Placeholder is { } placeholder)
        {
            Show(placeholder, isLast: false);
            await WaitAsync(script.Pace);
        }

        // A service message or an error message is sent in one step and without buttons.
        var isSimple = script.Notice is not null || script.DirectiveError is not null;
        if (script.Image == ReplyImage.Link && !isSimple) text = $"{text}\n\n![sandbox]({_builder.GetImageUrl(prompt.Channel)})";
        var pages = CozeBotText.Split(text, script.PageLength - Prefix.Length, script.WholeWords);
        if (script.Overflow == OverflowMode.Cut) pages = pages[..1];
        var steps = CozeBotText.GetSteps(string.Concat(pages), isSimple ? 1 : script.Chunks);
        for (var step = 1; step <= steps.Length; step++)
        {
            var isLast = step == steps.Length;
            if (step > 1) await WaitAsync(script.Pace * GetJitterFactor());
            if (isLast && script.Pause > TimeSpan.Zero)
            {
                if (script.Typing) SendTyping();
                await WaitAsync(script.Pause);
            }
            ApplyGatewayFaults(step);
            ShowUpTo(pages, steps[step - 1], step < script.RewriteAt, isLast && !script.ButtonsApart && !isSimple);
            if (step == script.StopAfter) return;
        }
        if (script.ButtonsApart && !isSimple)
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

    /// <summary>Shows the text up to a length, in as many messages as it needs.</summary>
    private void ShowUpTo(List<string> pages, int length, bool isRewritten, bool isLast)
    {
        for (var start = pages.Take(_pageIndex).Sum(page => page.Length); ; start += pages[_pageIndex++].Length, _message = null)
        {
            var page = pages[_pageIndex];
            var content = page[..Math.Min(page.Length, length - start)];
            var continues = length > start + page.Length;
            Show(isRewritten ? content.ToUpperInvariant() : content, isLast && !continues);
            if (!continues) return;
        }
    }

    private string Prefix => script.Link == PromptLink.Mention ? $"{prompt.Author.Mention} " : "";

    private void Show(string content, bool isLast)
    {
        lock (discord.State.Gate)
        {
            CheckChannelExists();
            var text = Prefix + content;
            if (_message is null)
            {
                var draft = _builder.Build(text, prompt.Channel, isLast);
                _message = discord.Messages.Add(bot, prompt.Channel, LinkToPrompt(draft));
                RepeatEvents("MESSAGE_CREATE");
                return;
            }
            if (prompt.Channel.Find(_message.Id) is null) throw new ChannelDeletedException();
            var change = _builder.Build(text, prompt.Channel, isLast);
            if (change.Content == _message.Content && !isLast && !script.ComponentsV2) return;
            discord.Messages.Edit(_message, change.Content, change.Embeds, change.Components, change.Attachments);
            RepeatEvents("MESSAGE_UPDATE");
        }
    }

    /// <summary>Makes a new message refer to its prompt as the script wants. Further messages may have no reference.</summary>
    private MessageDraft LinkToPrompt(MessageDraft draft)
    {
        var hasNoLink = script.Link == PromptLink.None || _pageIndex > 0 && script.Overflow == OverflowMode.Plain;
        if (hasNoLink) return draft;
        draft = draft with { Mentions = [prompt.Author] };
        return script.Link == PromptLink.Mention ? draft : draft with { Type = MessageType.Reply, Reference = new(prompt.Id, prompt.Channel) };
    }

    /// <summary>Publishes the event again, or the event before it, when the script wants duplicate or stale events.</summary>
    private void RepeatEvents(string type)
    {
        if (!script.Duplicate && !script.Stale) return;
        var current = discord.Messages.CreateEvent(type, _message!);
        if (script.Duplicate) discord.Gateway.Publish(current);
        if (script.Stale && _previousEvent is not null) discord.Gateway.Publish(_previousEvent);
        _previousEvent = type == "MESSAGE_CREATE" ? discord.Messages.CreateEvent("MESSAGE_UPDATE", _message!) : current;
    }

    private void ApplyGatewayFaults(int step)
    {
        if (step == script.DropAt) discord.DropSockets();
        if (step == script.ReconnectAt) discord.RequestReconnect();
        if (step == script.InvalidateAt) discord.InvalidateSessions(resumable: false);
    }

    private void SendTyping()
    {
        lock (discord.State.Gate)
        {
            CheckChannelExists();
            discord.Messages.SendTyping(bot, prompt.Channel);
        }
    }

    /// <summary>Compares objects, because after a reset there is another channel with the same id.</summary>
    private void CheckChannelExists()
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (discord.State.Channels.GetValueOrDefault(prompt.Channel.Id) != prompt.Channel) throw new ChannelDeletedException();
    }

    /// <summary>A random factor for a delay. The same prompt always gives the same sequence.</summary>
    private double GetJitterFactor() => 1 + (_random.NextDouble() * 2 - 1) * script.Jitter / 100;

    private Task WaitAsync(TimeSpan delay) =>
        delay > TimeSpan.Zero ? Task.Delay(delay, discord.Time, cancellationToken) : Task.CompletedTask;

    private sealed class ChannelDeletedException : Exception;
}
