using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Accounts;

/// <summary><c>POST /api/permission/oauth2/token</c>: a JWT for an access token. Errors have their own shape here.</summary>
internal static class OAuthApi
{
    private const string JwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private const int DefaultSeconds = 900;
    private const int MostSeconds = 86_399;

    public static async Task TokenAsync(CozeCall call)
    {
        try
        {
            var request = await call.ReadAsync(CozeJson.Wire.OAuthTokenRequest);
            if (request.GrantType != JwtBearer) throw new OAuthException("unsupported_grant_type", $"grant_type must be {JwtBearer}");
            var seconds = request.DurationSeconds ?? DefaultSeconds;
            if (seconds is < 1 or > MostSeconds) throw new OAuthException("invalid_request", $"duration_seconds must be 1 to {MostSeconds}");

            call.Coze.OAuth.Verify(TokenStore.Bearer(call.Http.Request.Headers.Authorization), call.Http.Request.Host.Host);
            var token = call.Coze.Tokens.Mint("czs_", "sandbox", CozePermissions.All, TimeSpan.FromSeconds(seconds));
            await call.WriteAsync(new OAuthToken(token.Value, token.ExpiresAt!.Value.ToUnixTimeSeconds(), "Bearer"), CozeJson.Wire.OAuthToken);
        }
        catch (CozeException fault)
        {
            await RefuseAsync(call, "invalid_request", fault.Message);
        }
        catch (OAuthException fault)
        {
            await RefuseAsync(call, fault.Code, fault.Message);
        }
    }

    private static Task RefuseAsync(CozeCall call, string code, string message) => call.WriteAsync(
        new OAuthError(code, message, code),
        CozeJson.Wire.OAuthError,
        code == "invalid_client" ? StatusCodes.Status401Unauthorized : StatusCodes.Status400BadRequest);
}
