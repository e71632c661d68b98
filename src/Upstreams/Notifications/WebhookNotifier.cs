namespace CozeCluster.Upstreams.Notifications;

/// <summary>Posts notices as JSON. The member <c>text</c> is what chat services show.</summary>
internal sealed class WebhookNotifier(NotificationHttp http, ISecretSeal seal) : INotifier
{
    private const string SecretHeader = "x-cozecluster-secret";

    /// <inheritdoc />
    public string Name => "webhook";

    /// <inheritdoc />
    public bool IsConfigured(NotificationsDefinition notices) => notices.Webhook is not null;

    /// <inheritdoc />
    public Task Send(NotificationsDefinition notices, Notification notice, CancellationToken cancellationToken)
    {
        var webhook = notices.Webhook!;
        var entry = notice.Entry;
        return http.Post(
            "The webhook",
            new Uri(seal.Open(webhook.Url)),
            writer =>
            {
                writer.WriteString("type"u8, "health"u8);
                writer.WriteString("text"u8, notice.Text);
                writer.WriteString("kind"u8, WireName.Of(entry.Kind));
                writer.WriteString("id"u8, entry.Id);
                writer.WriteString("state"u8, WireName.Of(entry.State));
                writer.WriteString("reason"u8, entry.Reason);
                writer.WriteString("code"u8, entry.Code is { } code ? ErrorTable.Of(code).Name : null);
                writer.WriteString("since"u8, entry.Since.UtcDateTime);
                if (entry.Until is { } until) writer.WriteString("until"u8, until.UtcDateTime);
                else writer.WriteNull("until"u8);
                writer.WriteString("at"u8, notice.At.UtcDateTime);
            },
            static _ => null,
            webhook.Secret is { } secret ? (SecretHeader, seal.Open(secret)) : null,
            cancellationToken);
    }
}
