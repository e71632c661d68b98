namespace CozeCluster.Sandbox.Coze;

/// <summary><c>POST /api/permission/oauth2/token</c>: exchanges a JWT for an access token. Errors have a JSON form of their own.</summary>
internal static class OAuthApi
{
    private const string JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private const int DefaultSeconds = 900;
    private const int MaxSeconds = 86_399;

    public static async Task TokenAsync(CozeContext context)
    {
        try
        {
            var request = await context.ReadAsync(CozeJson.Utf8.OAuthTokenRequest);
            if (request.GrantType != JwtBearer) throw new OAuthException("unsupported_grant_type", $"grant_type must be {JwtBearer}");
            var seconds = request.DurationSeconds ?? DefaultSeconds;
            if (seconds is < 1 or > MaxSeconds) throw new OAuthException("invalid_request", $"duration_seconds must be 1 to {MaxSeconds}");

            context.Coze.OAuth.Verify(TokenStore.GetBearer(context.Http.Request.Headers.Authorization), context.Http.Request.Host.Host);
            var token = context.Coze.Tokens.Mint("czs_", "sandbox", CozePermissions.All, TimeSpan.FromSeconds(seconds));
            await context.WriteAsync(new OAuthToken(token.Value, token.ExpiresAt!.Value.ToUnixTimeSeconds(), "Bearer"), CozeJson.Utf8.OAuthToken);
        }
        catch (CozeException error)
        {
            await WriteErrorAsync(context, "invalid_request", error.Message);
        }
        catch (OAuthException error)
        {
            await WriteErrorAsync(context, error.Code, error.Message);
        }
    }

    private static Task WriteErrorAsync(CozeContext context, string code, string message) => context.WriteAsync(
        new OAuthError(code, message, code),
        CozeJson.Utf8.OAuthError,
        code == "invalid_client" ? StatusCodes.Status401Unauthorized : StatusCodes.Status400BadRequest);
}
