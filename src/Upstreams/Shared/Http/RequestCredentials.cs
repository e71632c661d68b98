namespace CozeCluster.Upstreams.Shared.Http;

/// <summary>
/// Seals credentials of requests, and notes them in <see cref="SecretsInUse"/> for as long as they are used, within the exchange that uses them. A process
/// receives any number of them, and a tenant chooses their text: so they are not noted for all exchanges, as the secrets of the fleet are.
/// </summary>
internal sealed class RequestCredentials(ISecretSeal seal) : IRequestCredentials
{
    /// <inheritdoc />
    public CredentialUse Use(RequestCredential credential)
    {
        var value = credential.Value ?? throw new ArgumentException("The value of the credential is not known.", nameof(credential));
        var token = seal.Seal(value);
        return new CredentialUse(token, SecretsInUse.NoteOfRequest(value));
    }
}
