using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Notifications;

/// <summary>Posts notifications as JSON. Chat services such as Slack show the member <c>text</c>.</summary>
internal sealed class WebhookNotifier(NotificationHttp http, ISecretSeal seal) : INotifier
{
    private const string SecretHeader = "x-cozecluster-secret";

    /// <inheritdoc />
    public string Name => "webhook";

    /// <inheritdoc />
    public bool IsConfigured(NotificationsDefinition definition) => definition.Webhook is not null;

    /// <inheritdoc />
    public Task Send(NotificationsDefinition definition, Notification notification, CancellationToken cancellationToken)
    {
        var webhook = definition.Webhook!;
        var entry = notification.Entry;
        return http.Post(
            "The webhook",
            new Uri(seal.Open(webhook.Url)),
            writer =>
            {
                writer.WriteString("type"u8, "health"u8);
                writer.WriteString("text"u8, notification.Text);
                writer.WriteString("kind"u8, WireName.Of(entry.Kind));
                writer.WriteString("id"u8, entry.Id);
                writer.WriteString("state"u8, WireName.Of(entry.State));
                writer.WriteString("reason"u8, entry.Reason);
                writer.WriteString("code"u8, entry.Code is { } code ? ErrorTable.Of(code).Name : null);
                writer.WriteString("since"u8, entry.Since.UtcDateTime);
                if (entry.Until is { } until) writer.WriteString("until"u8, until.UtcDateTime);
                else writer.WriteNull("until"u8);
                writer.WriteString("at"u8, notification.At.UtcDateTime);
            },
            static _ => null,
            webhook.Secret is { } secret ? (SecretHeader, seal.Open(secret)) : null,
            cancellationToken);
    }
}

/// <summary>Sends notifications as messages of a Telegram bot (Bot API, <c>sendMessage</c>).</summary>
internal sealed class TelegramNotifier(NotificationHttp http, ISecretSeal seal) : INotifier
{
    /// <inheritdoc />
    public string Name => "telegram";

    /// <inheritdoc />
    public bool IsConfigured(NotificationsDefinition definition) => definition.Telegram is not null;

    /// <inheritdoc />
    public Task Send(NotificationsDefinition definition, Notification notification, CancellationToken cancellationToken)
    {
        var telegram = definition.Telegram!;
        var token = seal.Open(telegram.Token);
        return http.Post(
            "Telegram",
            new Uri($"{telegram.BaseUrl}/bot{token}/sendMessage"),
            writer =>
            {
                writer.WriteString("chat_id"u8, telegram.ChatId);
                writer.WriteString("text"u8, notification.Text);
                writer.WriteStartObject("link_preview_options"u8);
                writer.WriteBoolean("is_disabled"u8, true);
                writer.WriteEndObject();
            },
            body => UpstreamText.Clean(LenientJson.TryParse(body.Span)?.GetText("description"u8), token),
            secretHeader: null,
            cancellationToken);
    }
}
